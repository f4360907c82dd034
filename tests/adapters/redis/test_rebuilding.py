"""The index made again while requests are answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import command, open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.rebuilding import Rebuilt, rebuild
from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.scope import EVERYWHERE
from tests.contract.memories import DIMENSIONS, NOW, write
from tests.support.redis_shape import most_indexes, on_one_server
from tests.support.reference_database import ReferenceDatabase, record

OPTIONS = IndexOptions(dimensions=DIMENSIONS)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        yield opened


async def rebuilt(client: Redis) -> Rebuilt:
    return [step async for step in rebuild(client, OPTIONS)][-1]


async def filled(client: Redis, count: int) -> RedisMemoryStore:
    await ensure_index(client, OPTIONS)
    store = RedisMemoryStore(client, OPTIONS)
    await store.put(EVERYWHERE, [write(f"m{n}") for n in range(count)], now=NOW)
    return store


async def total(store: RedisMemoryStore) -> int:
    return (await store.list(EVERYWHERE, EVERYTHING, limit=1)).total


async def test_listings_are_whole_at_every_moment_of_a_rebuild(client: Redis) -> None:
    store = await filled(client, 3_000)
    seen = []
    steps = []
    async for step in rebuild(client, OPTIONS):
        seen.append(await total(store))
        steps.append(step)
    seen.append(await total(store))
    assert set(seen) == {3_000}
    assert steps[-1] == Rebuilt(done=3_000, total=3_000)


async def test_it_can_be_repeated_and_leaves_one_index(client: Redis) -> None:
    store = await filled(client, 10)
    for _ in range(3):
        await rebuilt(client)
        assert await total(store) == 10
        assert await most_indexes(client) == 1
        await ensure_index(client, OPTIONS)
        assert await most_indexes(client) == 1
    await store.put(EVERYWHERE, [write("new")], now=NOW)
    assert await total(store) == 11


async def test_one_that_was_cut_off_is_done_again(client: Redis) -> None:
    store = await filled(client, 2_000)
    await command(client, "FT.CREATE", "memory_records:a", "PREFIX", "1", "elsewhere", "SCHEMA", "x", "TAG")
    assert (await rebuilt(client)).done == 2_000
    assert await total(store) == 2_000


async def test_two_at_once_are_refused(client: Redis) -> None:
    await filled(client, 10)
    await client.set("agent-memory:rebuild:memory_records", "another", px=60_000)
    with pytest.raises(Conflict, match="another process"):
        await rebuilt(client)


@on_one_server
async def test_an_older_index_of_the_reference_server_gets_its_separators_right(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await reference.add_older_index()
    await reference.add(record("m1", "tea", topics="green tea,black tea"))
    by_topic = ("FT.SEARCH", "memory_records", "@topics:{black tea}", "LIMIT", "0", "0", "DIALECT", "2")
    assert (await command(client, *by_topic))[b"total_results"] == 0
    await rebuilt(client)
    assert (await command(client, *by_topic))[b"total_results"] == 1


async def test_many_processes_can_start_right_after_it(client: Redis) -> None:
    store = await filled(client, 10)
    await rebuilt(client)
    await asyncio.gather(*(ensure_index(client, OPTIONS) for _ in range(10)))
    assert await total(store) == 10
    assert await most_indexes(client) == 1
