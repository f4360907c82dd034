"""Records that an older version of this server wrote, without the words that searches look for now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys, stems
from agent_memory_server.adapters.redis.adoption import open_index
from agent_memory_server.adapters.redis.connection import command, open_client
from agent_memory_server.adapters.redis.exact import FIELD, WORDED
from agent_memory_server.adapters.redis.index import IndexOptions
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.rebuilding import rebuild
from agent_memory_server.adapters.redis.search import SearchOptions
from agent_memory_server.adapters.redis.shards import shards_of
from agent_memory_server.domain.query import Mode, Ranked, StoreQuery
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.words import query_terms
from tests.contract.memories import DIMENSIONS, NOW, write

NEWER = IndexOptions(dimensions=DIMENSIONS)
OLDER = replace(NEWER, text=True)
RECORDS = 700


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        yield opened


@pytest.fixture
async def store(client: Redis) -> RedisMemoryStore:
    """Of an index that reads texts, over records of an older version; one that has no memory for blocks."""
    await (await open_index(client, OLDER)).run()
    store = RedisMemoryStore(client, OLDER, SearchOptions(cache_mb=0))
    writes = [write(f"m{n}", f"tea {n} {'crème 東京タワー' if n % 2 else ''}") for n in range(RECORDS)]
    for start in range(0, RECORDS, 400):
        await store.put(EVERYWHERE, writes[start : start + 400], now=NOW)
    for n in range(RECORDS):
        key = keys.record(OLDER.prefix, f"m{n}")
        tokens = (await command(client, "HGET", key, FIELD)).decode().split(",")
        await command(client, "HSET", key, FIELD, ",".join(token for token in tokens if token != WORDED))
        await command(client, "HDEL", key, stems.FIELD)
    await command(client, "HDEL", keys.adoption(OLDER.prefix), "words")
    return store


async def _found(store: RedisMemoryStore, text: str) -> Ranked:
    return await store.search(EVERYWHERE, StoreQuery(mode=Mode.KEYWORD, terms=query_terms(text), text=text))


async def test_their_words_are_found_before_they_are_renewed_and_by_every_language_after(
    client: Redis, store: RedisMemoryStore
) -> None:
    assert (await _found(store, "tea 77 33")).total == RECORDS
    assert {hit.memory.id for hit in (await _found(store, "77 33")).hits} == {"m77", "m33"}
    assert (await _found(store, "東京")).total == 0
    await store.put(EVERYWHERE, [write("newer", "green tea, 東京タワー")], now=NOW)
    assert (await _found(store, "東京")).total == 1
    assert (await _found(store, "tea")).total == RECORDS + 1
    await (await open_index(client, NEWER)).run()
    assert (await _found(store, "東京")).total == RECORDS // 2 + 1
    assert (await _found(store, "creme")).total == RECORDS // 2
    assert (await _found(store, "tea")).total == RECORDS + 1


async def test_requests_of_anybody_are_answered_meanwhile(client: Redis, store: RedisMemoryStore) -> None:
    adoption = await open_index(client, NEWER)
    assert await adoption.complete()
    assert not await adoption.settled()
    await adoption.run()
    assert await adoption.settled()


async def test_many_processes_renew_together_and_change_nothing_else(client: Redis, store: RedisMemoryStore) -> None:
    before = {memory.id: memory for memory in await store.get(EVERYWHERE, [f"m{n}" for n in range(RECORDS)])}
    adoptions = [await open_index(client, NEWER) for _ in range(4)]
    await asyncio.gather(*(adoption.run() for adoption in adoptions))
    assert (await _found(store, "東京")).total == RECORDS // 2
    after = {memory.id: memory for memory in await store.get(EVERYWHERE, list(before))}
    assert after == before


async def test_renewing_that_was_cut_off_is_begun_again_by_another_process(
    client: Redis, store: RedisMemoryStore
) -> None:
    async for step in (await open_index(client, NEWER)).walk():
        if step.adopted:
            break
    found = (await _found(store, "東京")).total
    assert 0 < found < RECORDS // 2
    assert (await _found(store, "tea")).total == RECORDS
    await (await open_index(client, NEWER)).run()
    assert (await _found(store, "東京")).total == RECORDS // 2


async def test_an_index_made_again_finds_every_word_without_reading_texts(
    client: Redis, store: RedisMemoryStore
) -> None:
    async for _ in rebuild(client, NEWER):
        pass
    for shard in await shards_of(client, NEWER.name).existing():
        info = await command(shard.client, "FT.INFO", shard.name)
        assert b"text" not in {entry[b"attribute"] for entry in info[b"attributes"]}
    for text, total in (("tea", RECORDS), ("東京", RECORDS // 2)):
        assert (await _found(store, text)).total == total
