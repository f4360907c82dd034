"""What every embedder promises, bare or wrapped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import numpy as np
import pytest
import pytest_asyncio

import agent_memory_model_minilm
from agent_memory_server.adapters.providers.deterministic import DeterministicEmbedder
from agent_memory_server.adapters.providers.local import open_local
from agent_memory_server.adapters.providers.open_embedder import open_embedder
from agent_memory_server.adapters.providers.openai_compatible import OpenAICompatible
from agent_memory_server.adapters.providers.remote import RemoteEmbedder
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.adapters.providers.wrappers.breaker import Breaker
from agent_memory_server.adapters.providers.wrappers.cached import Cached
from agent_memory_server.adapters.providers.wrappers.deadline import Deadline
from agent_memory_server.adapters.providers.wrappers.retrying import Retrying
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.ports.embedder import Embedder
from tests.support.embedding_service import DIMENSIONS, EmbeddingService, embedding_service
from tests.support.vector_caches import DictVectorCache

TEXTS = ["Ada plays the cello.", "Grace moved to Vienna in March.", "¿Dónde está la biblioteca?", "図書館はどこですか"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = agent_memory_model_minilm.directory()
DISTANT_S = 60.0


def remote(service: EmbeddingService) -> RemoteEmbedder:
    client = OpenAICompatible(service.url, "some-model", timeout_s=DISTANT_S, connect_timeout_s=DISTANT_S)
    return RemoteEmbedder(client, model="some-model", dimensions=DIMENSIONS, batch_texts=3)


async def bare(service: EmbeddingService) -> Embedder:
    return remote(service)


async def deterministic(_: EmbeddingService) -> Embedder:
    return DeterministicEmbedder()


async def local(_: EmbeddingService) -> Embedder:
    return await open_local(MODEL)


async def local_on_two_threads(_: EmbeddingService) -> Embedder:
    return await open_local(MODEL, threads=2)


async def retrying(service: EmbeddingService) -> Embedder:
    return Retrying(remote(service), attempts=2, backoff_s=0.01, timeout_s=DISTANT_S)


async def breaker(service: EmbeddingService) -> Embedder:
    return Breaker(remote(service), failures=2, cooldown_s=DISTANT_S)


async def deadline(service: EmbeddingService) -> Embedder:
    return Deadline(remote(service), timeout_s=DISTANT_S)


async def cached(service: EmbeddingService) -> Embedder:
    return Cached(remote(service), limit_bytes=1_000_000)


async def cached_durably(service: EmbeddingService) -> Embedder:
    return Cached(remote(service), limit_bytes=0, durable=DictVectorCache())


async def cached_without_room(service: EmbeddingService) -> Embedder:
    return Cached(remote(service), limit_bytes=0)


async def opened_local(_: EmbeddingService) -> Embedder:
    return await open_embedder(EmbeddingSettings(timeout_s=DISTANT_S))


async def opened_service(service: EmbeddingService) -> Embedder:
    settings = EmbeddingSettings(model="some-model", openai_api_base=service.url, timeout_s=DISTANT_S, batch_texts=3)
    return await open_embedder(settings)


Make = Callable[[EmbeddingService], Awaitable[Embedder]]
MAKERS: tuple[Make, ...] = (
    deterministic,
    local,
    local_on_two_threads,
    bare,
    retrying,
    breaker,
    deadline,
    cached,
    cached_durably,
    cached_without_room,
    opened_local,
    opened_service,
)


@pytest.fixture(scope="module")
def service() -> Iterator[EmbeddingService]:
    with embedding_service() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=MAKERS)
async def embedder(request: pytest.FixtureRequest, service: EmbeddingService) -> AsyncIterator[Embedder]:
    embedder: Embedder = await request.param(service)
    yield embedder
    await embedder.close()


async def test_vectors_are_unit_rows_of_the_stated_length(embedder: Embedder) -> None:
    vectors = await embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    vectors = await embedder.embed([])
    assert vectors.shape == (0, embedder.dimensions)
    assert vectors.dtype == np.float32


async def test_rows_are_in_the_order_of_the_texts(embedder: Embedder) -> None:
    forwards = await embedder.embed(TEXTS)
    backwards = await embedder.embed(TEXTS[::-1])
    np.testing.assert_array_equal(forwards, backwards[::-1])


async def test_equal_texts_give_equal_vectors_whatever_stands_beside_them(embedder: Embedder) -> None:
    text = "Ada plays the cello on Tuesdays."
    alone = await embedder.embed([text])
    beside = await embedder.embed(["short", text, "a much longer text " * 40, text])
    np.testing.assert_array_equal(beside[1], alone[0])
    np.testing.assert_array_equal(beside[3], alone[0])


async def test_different_texts_give_different_vectors(embedder: Embedder) -> None:
    vectors = await embedder.embed(["the cat sleeps", "interest rates rise"])
    assert float(vectors[0] @ vectors[1]) < 0.9


async def test_concurrent_calls_each_get_their_own_answer(embedder: Embedder) -> None:
    calls = [[f"text {call} {n % 5}" for n in range(call % 7 + 1)] for call in range(24)]
    together = await asyncio.gather(*map(embedder.embed, calls))
    for texts, vectors in zip(calls, together, strict=True):
        np.testing.assert_array_equal(vectors, await embedder.embed(texts))


async def test_a_cancelled_call_leaves_the_others_alone(embedder: Embedder) -> None:
    texts = [f"both calls want text {n}" for n in range(12)]
    first, second = (asyncio.ensure_future(embedder.embed(order)) for order in (texts, texts[::-1]))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])  # cancelled, or done before that
    vectors = await second
    np.testing.assert_array_equal(vectors[::-1], await embedder.embed(texts))


async def test_an_answer_belongs_to_the_caller(embedder: Embedder) -> None:
    vectors = await embedder.embed(["mine"])
    kept = vectors.copy()
    vectors[:] = 7
    np.testing.assert_array_equal(await embedder.embed(["mine"]), kept)


async def test_half_of_a_surrogate_pair_is_refused_without_quoting_the_text(embedder: Embedder) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await embedder.embed(["fine", "secret \ud83d"])
    assert "text 1" in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", " \n\t", "\x00", "🙂" * 300, "word " * 20_000, "x" * 100_000, "﷽ \u202e abc"])
async def test_any_other_text_can_be_embedded(embedder: Embedder, text: str) -> None:
    vectors = await embedder.embed([text])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("make", MAKERS)
async def test_an_embedder_has_a_name_and_can_be_closed_twice(make: Make, service: EmbeddingService) -> None:
    embedder = await make(service)
    assert embedder.model
    await embedder.close()
    await embedder.close()
