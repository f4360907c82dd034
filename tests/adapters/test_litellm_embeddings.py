"""Other providers, where the optional package is installed: through one that it knows and that is told where to ask."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator

import numpy as np
import pytest

from agent_memory_server.adapters.providers.litellm_embeddings import LiteLLMEmbeddings
from agent_memory_server.adapters.providers.refusals import Refused
from agent_memory_server.adapters.providers.remote import Misconfigured, RemoteEmbedder, Throttled, dimensions_of
from agent_memory_server.domain.errors import DeadlineExceeded, MemoryServerError, Unavailable
from tests.support.embedding_service import DIMENSIONS, EmbeddingService

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("litellm") is None, reason="the extra litellm is not installed"),
    pytest.mark.filterwarnings("default"),  # a large package's own
]
MODEL = "hosted_vllm/some-model"


@pytest.fixture
async def embedder(service: EmbeddingService, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RemoteEmbedder]:
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", service.url)
    provider = LiteLLMEmbeddings(MODEL, timeout_s=60)
    assert await dimensions_of(provider, MODEL) == DIMENSIONS
    embedder = RemoteEmbedder(provider, model=MODEL, dimensions=DIMENSIONS, batch_texts=4)
    yield embedder
    await embedder.close()


async def test_rows_are_in_the_order_of_the_texts_and_nothing_is_printed(
    embedder: RemoteEmbedder, capfd: pytest.CaptureFixture[str]
) -> None:
    texts = [f"text {n}" for n in range(6)]
    forwards = await embedder.embed(texts)
    np.testing.assert_array_equal(await embedder.embed(texts[::-1]), forwards[::-1])
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (401, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
        (408, DeadlineExceeded),
        (429, Throttled),
        (500, Unavailable),
    ],
)
async def test_a_failure_is_told_in_our_words_after_one_request(
    service: EmbeddingService, embedder: RemoteEmbedder, status: int, error: type[MemoryServerError]
) -> None:
    service.seen.clear()
    service.fail(status, body={"error": {"message": "cannot embed 'secret'"}})
    with pytest.raises(error) as failure:
        await embedder.embed(["secret"])
    assert type(failure.value) is error
    assert "secret" not in str(failure.value)
    assert len(service.seen) == 1
