"""Asking again after a failure that may pass."""

from __future__ import annotations

import pytest

from agent_memory_server.adapters.providers.remote import Misconfigured, RemoteEmbedder, Throttled
from agent_memory_server.adapters.providers.wrappers.retrying import Retrying
from agent_memory_server.domain.errors import DeadlineExceeded, InvalidRequest
from tests.support.embedding_service import DIMENSIONS, EmbeddingService


async def test_a_failure_that_passes_is_not_seen(service: EmbeddingService, remote: RemoteEmbedder) -> None:
    service.fail(500, times=2)
    vectors = await Retrying(remote, attempts=3, backoff_s=0.001, timeout_s=60).embed(["one"])
    assert vectors.shape == (1, DIMENSIONS)
    assert len(service.seen) == 3


async def test_after_the_last_attempt_the_last_error_is_raised(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    service.fail(500, times=2)
    service.fail(504)
    with pytest.raises(DeadlineExceeded, match="HTTP 504"):
        await Retrying(remote, attempts=3, backoff_s=0.001, timeout_s=60).embed(["one"])
    assert len(service.seen) == 3


@pytest.mark.parametrize(("status", "error"), [(400, InvalidRequest), (401, Misconfigured), (404, Misconfigured)])
async def test_what_waiting_cannot_mend_is_not_tried_again(
    service: EmbeddingService, remote: RemoteEmbedder, status: int, error: type[Exception]
) -> None:
    service.fail(status)
    with pytest.raises(error):
        await Retrying(remote, attempts=3, backoff_s=0.001, timeout_s=60).embed(["one"])
    assert len(service.seen) == 1


async def test_a_pause_that_the_service_names_replaces_the_backoff(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    service.fail(429)
    service.headers["Retry-After"] = "0"
    await Retrying(remote, attempts=2, backoff_s=3600, timeout_s=60).embed(["one"])
    assert len(service.seen) == 2


async def test_a_pause_longer_than_the_time_left_is_not_waited_for(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    service.fail(429)
    service.headers["Retry-After"] = "3600"
    with pytest.raises(Throttled):
        await Retrying(remote, attempts=2, backoff_s=0.001, timeout_s=60).embed(["one"])
    assert len(service.seen) == 1
