"""A service that can misbehave, and an embedder that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from agent_memory_server.adapters.providers.openai_compatible import OpenAICompatible
from agent_memory_server.adapters.providers.remote import RemoteEmbedder
from tests.support.embedding_service import DIMENSIONS, EmbeddingService, embedding_service


@pytest.fixture
def service() -> Iterator[EmbeddingService]:
    with embedding_service() as running:
        yield running


@pytest.fixture
async def remote(service: EmbeddingService) -> AsyncIterator[RemoteEmbedder]:
    client = OpenAICompatible(service.url, "some-model", timeout_s=60, connect_timeout_s=60)
    embedder = RemoteEmbedder(client, model="some-model", dimensions=DIMENSIONS, batch_texts=64)
    yield embedder
    await embedder.close()
