"""Records of the reference server written again as we write them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import command, open_client
from agent_memory_server.adapters.redis.index import IndexOptions
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.rewriting import Rewritten, rewrite
from agent_memory_server.domain.filters import Filter, TagField, only
from agent_memory_server.domain.scope import EVERYWHERE
from tests.contract.memories import NOW, write
from tests.support.reference_database import (
    CREATED_AT,
    DIMENSIONS,
    ReferenceDatabase,
    content_hash,
    older_record,
    record,
)

OPTIONS = IndexOptions(dimensions=DIMENSIONS)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        yield opened


async def rewritten(client: Redis) -> Rewritten:
    return [step async for step in rewrite(client, OPTIONS)][-1]


async def test_older_records_get_what_the_reference_server_writes_today(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await reference.add_older_index()
    await reference.add(older_record("m1", "said hi", user_id="u1", created_at="2024-05-01T10:00:00.25+00:00"))
    vector = await client.hget("memory_idx:m1", "vector")
    assert (await rewritten(client)).rewritten == 1
    found = await command(client, "HGETALL", "memory_idx:m1")
    after = {name.decode(): value for name, value in found.items()}
    expected = record("m1", "said hi", user_id="u1", memory_type="message")
    assert after["memory_hash"] == content_hash(expected).encode()
    assert (after["topics"], after["entities"], after["memory_type"]) == (b"tea,green tea", b"Ada,Bob", b"message")
    assert not {"extraction_strategy", "metadata", "pinned"} & set(after)  # absent, they are what they usually are
    assert (float(after["created_at"]), after["vector"]) == (CREATED_AT, vector)


async def test_repeating_it_changes_nothing_and_what_we_wrote_is_left_alone(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await reference.add_index()
    await reference.add(older_record("m1", "tea"), record("m2", "coffee"))
    await reference.add_hash("half", {"access_count": "1"})
    await reference.add_hash("elsewhere", record("m3", "milk"))
    first = await rewritten(client)
    assert (first.rewritten, first.current, first.moved, first.debris, first.conflicts) == (3, 0, 1, 1, 0)
    await RedisMemoryStore(client, OPTIONS).put(EVERYWHERE, [write("m4")], now=NOW)
    before = await reference.snapshot("memory_idx:*")
    again = await rewritten(client)
    assert (again.rewritten, again.current, again.moved, again.debris) == (0, 4, 0, 1)
    assert await reference.snapshot("memory_idx:*") == before


async def test_marks_of_extraction_stay_as_they_are(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await reference.add_index()
    await reference.add(
        record("m1", "tea", discrete_memory_extracted="t"), record("m2", "hi", discrete_memory_extracted="f")
    )
    await rewritten(client)
    assert await client.hget("memory_idx:m1", "discrete_memory_extracted") == b"t"
    assert await client.hget("memory_idx:m2", "discrete_memory_extracted") == b"f"


async def test_it_can_be_stopped_anywhere_and_done_again(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await reference.add_index()
    await reference.add(*(older_record(f"m{n}", f"tea {n}") for n in range(1_100)))
    async for step in rewrite(client, OPTIONS):
        if step.rewritten:
            break
    last = await rewritten(client)
    assert (last.rewritten + last.current, last.seen, last.current > 0) == (1_100, last.total, True)


async def test_a_memory_of_ours_that_the_reference_server_changed_is_found_by_what_it_is_now(client: Redis) -> None:
    reference = ReferenceDatabase(client)
    await reference.add_index()
    await rewritten(client)
    store = RedisMemoryStore(client, OPTIONS)
    await store.put(EVERYWHERE, [write("m1", topics=("tea",))], now=NOW)
    await client.hset("memory_idx:m1", "topics", "coffee")
    assert (await rewritten(client)).rewritten == 1
    found = await store.list(EVERYWHERE, Filter((only(TagField.TOPICS, "coffee"),)), limit=10)
    assert [memory.id for memory in found.memories] == ["m1"]
