"""No call takes longer than it may."""

from __future__ import annotations

import pytest

from agent_memory_server.adapters.providers.remote import RemoteEmbedder
from agent_memory_server.adapters.providers.wrappers.deadline import Deadline
from agent_memory_server.adapters.providers.wrappers.retrying import Retrying
from agent_memory_server.domain.errors import DeadlineExceeded
from tests.support.embedding_service import EmbeddingService


async def test_a_hanging_service_costs_no_more_than_the_deadline(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    service.hold.clear()
    embedder = Deadline(Retrying(remote, attempts=9, backoff_s=0.001, timeout_s=60), timeout_s=0.05)
    with pytest.raises(DeadlineExceeded, match=r"some-model did not answer within 0\.05 s"):
        await embedder.embed(["one"])


async def test_a_failing_service_costs_no_more_than_the_deadline(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    service.fail(500, times=9)
    embedder = Deadline(Retrying(remote, attempts=9, backoff_s=3600, timeout_s=3600), timeout_s=0.3)
    with pytest.raises(DeadlineExceeded):
        await embedder.embed(["one"])
