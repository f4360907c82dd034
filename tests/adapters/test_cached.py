"""No call is made twice for the same text."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from agent_memory_server.adapters.providers.remote import RemoteEmbedder
from agent_memory_server.adapters.providers.wrappers.breaker import Breaker
from agent_memory_server.adapters.providers.wrappers.cached import Cached
from agent_memory_server.adapters.providers.wrappers.recent import ENTRY_BYTES
from agent_memory_server.domain.errors import Unavailable
from tests.support.embedding_service import DIMENSIONS, EmbeddingService
from tests.support.vector_caches import DictVectorCache

VECTOR_BYTES = DIMENSIONS * 4 + ENTRY_BYTES


async def test_a_text_is_asked_for_once(service: EmbeddingService, remote: RemoteEmbedder) -> None:
    cached = Cached(remote, limit_bytes=100 * VECTOR_BYTES)
    first = await cached.embed(["one", "two", "one"])
    again = await cached.embed(["two", "three", "one"])
    assert service.asked == [["one", "two"], ["three"]]
    np.testing.assert_array_equal(again[[2, 0]], first[:2])


async def test_calls_at_the_same_time_share_the_work(service: EmbeddingService, remote: RemoteEmbedder) -> None:
    cached = Cached(remote, limit_bytes=0)
    service.hold.clear()
    first = asyncio.ensure_future(cached.embed(["one", "two"]))
    await service.arrives()
    second = asyncio.ensure_future(cached.embed(["two", "three"]))
    await service.arrives()
    service.hold.set()
    one, two = await asyncio.gather(first, second)
    assert service.asked == [["one", "two"], ["three"]]
    np.testing.assert_array_equal(one[1], two[0])


async def test_a_failure_is_shared_and_not_remembered(service: EmbeddingService, remote: RemoteEmbedder) -> None:
    cached = Cached(remote, limit_bytes=100 * VECTOR_BYTES)
    service.hold.clear()
    service.fail(500)
    calls = [asyncio.ensure_future(cached.embed(["one"])) for _ in range(3)]
    await service.arrives()
    service.hold.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert (await cached.embed(["one"])).shape == (1, DIMENSIONS)
    assert service.asked == [["one"], ["one"]]


async def test_when_the_call_that_does_the_work_is_cancelled_another_takes_over(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    cached = Cached(remote, limit_bytes=0)
    service.hold.clear()
    first = asyncio.ensure_future(cached.embed(["one"]))
    await service.arrives()
    waiting = [asyncio.ensure_future(cached.embed(["one"])) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()
    await service.arrives()
    service.hold.set()
    one, other = await asyncio.gather(*waiting)
    np.testing.assert_array_equal(one, other)
    assert service.asked == [["one"], ["one"]]


async def test_the_texts_used_least_recently_are_forgotten_first(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    cached = Cached(remote, limit_bytes=2 * VECTOR_BYTES)
    for text in ("one", "two", "one", "three"):
        await cached.embed([text])
    service.seen.clear()
    await cached.embed(["one", "three"])
    assert service.seen == []
    await cached.embed(["two"])
    assert service.asked == [["two"]]


async def test_a_durable_cache_spares_the_service_after_a_restart(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    durable = DictVectorCache()
    before = await Cached(remote, limit_bytes=0, durable=durable).embed(["one", "two"])
    service.seen.clear()
    after = await Cached(remote, limit_bytes=0, durable=durable).embed(["two", "three", "one"])
    assert service.asked == [["three"]]
    np.testing.assert_array_equal(after[[2, 0]], before)


async def test_a_durable_cache_that_fails_is_done_without(service: EmbeddingService, remote: RemoteEmbedder) -> None:
    durable = DictVectorCache()
    durable.broken = True
    cached = Cached(remote, limit_bytes=100 * VECTOR_BYTES, durable=durable)
    assert (await cached.embed(["one"])).shape == (1, DIMENSIONS)


async def test_kept_vectors_of_another_length_are_asked_for_again(
    service: EmbeddingService, remote: RemoteEmbedder
) -> None:
    durable = DictVectorCache()
    await Cached(remote, limit_bytes=0, durable=durable).embed(["one"])
    durable.vectors = {key: vector[:8] for key, vector in durable.vectors.items()}
    assert (await Cached(remote, limit_bytes=0, durable=durable).embed(["one"])).shape == (1, DIMENSIONS)
    assert len(service.seen) == 2


async def test_remembered_texts_need_no_service(service: EmbeddingService, remote: RemoteEmbedder) -> None:
    cached = Cached(Breaker(remote, failures=1, cooldown_s=3600), limit_bytes=100 * VECTOR_BYTES)
    await cached.embed(["one"])
    service.fail(500)
    with pytest.raises(Unavailable):
        await cached.embed(["two"])
    assert (await cached.embed(["one"])).shape == (1, DIMENSIONS)
