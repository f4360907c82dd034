"""Making the index: by many at once, over a database of the reference server, and what refuses the start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import command, open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.scope import EVERYWHERE
from tests.contract.memories import DIMENSIONS, NOW, write

OPTIONS = IndexOptions(dimensions=DIMENSIONS)
OLD = {
    "id_": "m1",
    "text": "likes tea",
    "namespace": "team",
    "user_id": "",
    "session_id": "",
    "topics": "tea|green tea",
    "entities": "Ada, Bob",
    "created_at": "2024-05-01T10:00:00+00:00",
    "last_accessed": "1714557600",
    "updated_at": "1714557600.5",
    "pinned": "0",
}


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        yield opened


async def test_many_processes_can_make_the_index_at_once(client: Redis) -> None:
    await asyncio.gather(*(ensure_index(client, OPTIONS) for _ in range(20)))
    store = RedisMemoryStore(client, OPTIONS)
    await store.put(EVERYWHERE, [write("a")], now=NOW)
    assert (await store.stats()).memories == 1


async def test_an_index_of_the_reference_server_gets_our_fields_once(client: Redis) -> None:
    vector = ["vector", "VECTOR", "HNSW", "6", "TYPE", "FLOAT32", "DIM", str(DIMENSIONS), "DISTANCE_METRIC", "COSINE"]
    schema = ["text", "TEXT", "id_", "TAG", "created_at", "NUMERIC", *vector]
    await command(client, "FT.CREATE", "memory_records", "ON", "HASH", "PREFIX", "1", "memory_idx", "SCHEMA", *schema)
    await asyncio.gather(*(ensure_index(client, OPTIONS) for _ in range(5)))
    store = RedisMemoryStore(client, OPTIONS)
    await store.put(EVERYWHERE, [write("a")], now=NOW)
    assert (await store.stats()).memories == 1


async def test_another_number_of_dimensions_refuses_the_start_and_names_both(client: Redis) -> None:
    await ensure_index(client, OPTIONS)
    with pytest.raises(StartRefused, match=f"{DIMENSIONS} dimensions.*makes 99"):
        await ensure_index(client, IndexOptions(dimensions=99))


async def test_a_record_of_the_reference_server_is_read_in_its_older_forms(client: Redis) -> None:
    await ensure_index(client, OPTIONS)
    await command(client, "HSET", "memory_idx:m1", *(word for pair in OLD.items() for word in pair))
    (memory,) = await RedisMemoryStore(client, OPTIONS).get(EVERYWHERE, ["m1"])
    assert (memory.topics, memory.entities) == (("tea", "green tea"), ("Ada", "Bob"))
    assert (memory.created_at, memory.last_accessed, memory.updated_at) == (1714557600.0, 1714557600.0, 1714557600.5)
    assert (memory.memory_type, memory.revision, memory.user_id) == (MemoryType.MESSAGE, 1, "")


async def test_what_we_write_the_reference_server_can_read(client: Redis) -> None:
    await ensure_index(client, OPTIONS)
    store = RedisMemoryStore(client, OPTIONS)
    await store.put(EVERYWHERE, [write("m1", "likes tea", topics=("tea", "green"), created_at=NOW)], now=NOW)
    await store.put(EVERYWHERE, [write("m2", pinned=True, metadata={"a": 1}, extraction_strategy="summary")], now=NOW)
    told = ("text", "topics", "created_at", "namespace")
    usual = ("pinned", "metadata", "extraction_strategy")  # the reference server takes these for what they usually are
    found = await command(client, "HMGET", "memory_idx:m1", *told, *usual)
    assert found == [b"likes tea", b"tea,green", b"1700000000.0", b"", None, None, None]
    assert await command(client, "HMGET", "memory_idx:m2", *usual) == [b"1", b'{"a": 1}', b"summary"]
    (read,) = await store.get(EVERYWHERE, ["m2"])
    await store.put(EVERYWHERE, [write("m2")], now=NOW)
    assert await command(client, "HMGET", "memory_idx:m2", *usual) == [None, None, None]
    assert (read.pinned, read.metadata) == (True, {"a": 1})


async def test_noting_an_access_changes_nothing_that_is_indexed(client: Redis) -> None:
    await ensure_index(client, OPTIONS)
    store = RedisMemoryStore(client, OPTIONS)
    await store.put(EVERYWHERE, [write("m1")], now=NOW)
    before = await command(client, "HGETALL", "memory_idx:m1")
    assert await store.touch(EVERYWHERE, ["m1"], at=NOW + 1000) == 1
    assert await command(client, "HGETALL", "memory_idx:m1") == before
