"""What searches keep in memory stays in step with Redis, whatever happens there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command, open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.search import SearchOptions
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.filters import Filter, TextField, only
from agent_memory_server.domain.query import Mode, Ranked, StoreQuery, Term
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import MemoryWrite
from tests.contract.memories import NOW, memory

DIMENSIONS = 16
INDEX = IndexOptions(dimensions=DIMENSIONS)
ME = Scope(frozenset([""]), frozenset(["me"]))


def _vectors(count: int, seed: int = 0) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).standard_normal((count, DIMENSIONS))
    unit: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _writes(first: int, count: int, user_id: str = "me") -> list[MemoryWrite]:
    vectors = _vectors(count, seed=first)
    return [
        MemoryWrite(memory=memory(f"m{first + n}", f"tea {first + n}", user_id=user_id), vector=vectors[n])
        for n in range(count)
    ]


NEAR = StoreQuery(mode=Mode.SEMANTIC, vector=_vectors(1, seed=99)[0], limit=1_000)
WORDS = StoreQuery(mode=Mode.KEYWORD, terms=(Term(("tea",)),), limit=1_000)


def _ids(ranked: Ranked) -> set[str]:
    return {hit.memory.id for hit in ranked.hits}


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        await ensure_index(opened, INDEX)
        yield opened


@pytest.fixture
async def store(client: Redis) -> RedisMemoryStore:
    return RedisMemoryStore(client, INDEX)


@pytest.fixture
async def elsewhere(redis_url: str, client: Redis) -> AsyncIterator[RedisMemoryStore]:
    """The store as another process has it."""
    async with open_client(redis_url) as opened:
        yield RedisMemoryStore(opened, INDEX)


async def _calls(client: Redis) -> dict[str, int]:
    stats = await command(client, "INFO", "commandstats")
    return {name.removeprefix("cmdstat_"): values["calls"] for name, values in stats.items()}


async def test_what_another_process_acknowledged_is_found_by_the_next_search(
    store: RedisMemoryStore, elsewhere: RedisMemoryStore
) -> None:
    await store.put(EVERYWHERE, _writes(0, 5), now=NOW)
    assert len(_ids(await store.search(ME, NEAR))) == 5
    await elsewhere.put(EVERYWHERE, _writes(5, 3), now=NOW)
    assert _ids(await store.search(ME, NEAR)) == {f"m{n}" for n in range(8)}
    await elsewhere.delete(EVERYWHERE, ["m0", "m1"])
    assert _ids(await store.search(ME, WORDS)) == {f"m{n}" for n in range(2, 8)}
    (read,) = await elsewhere.get(EVERYWHERE, ["m2"])
    await elsewhere.update(
        EVERYWHERE, replace(read, user_id="you"), if_revision=read.revision, vector=None, text_changed=False
    )
    assert _ids(await store.search(ME, NEAR)) == {f"m{n}" for n in range(3, 8)}


async def test_a_vector_filled_in_elsewhere_counts_at_once(
    store: RedisMemoryStore, elsewhere: RedisMemoryStore
) -> None:
    (write,) = _writes(0, 1)
    await store.put(EVERYWHERE, [replace(write, vector=None)], now=NOW)
    assert (await store.search(ME, NEAR)).unembedded == 1
    assert await elsewhere.set_vectors([("m0", 1, _vectors(1)[0])]) == 1
    ranked = await store.search(ME, NEAR)
    assert (_ids(ranked), ranked.unembedded) == ({"m0"}, 0)


async def test_a_search_of_places_in_memory_asks_the_index_nothing(client: Redis, store: RedisMemoryStore) -> None:
    await store.put(EVERYWHERE, _writes(0, 20), now=NOW)
    await store.search(ME, NEAR)
    await store.put(EVERYWHERE, _writes(20, 5), now=NOW)
    before = await _calls(client)
    for query in (NEAR, WORDS):
        assert len(_ids(await store.search(ME, query))) == 25
    after = await _calls(client)
    asked = [name for name in after if name.casefold().startswith("ft.") and after[name] != before.get(name, 0)]
    assert not asked


async def test_a_stream_that_was_trimmed_under_a_reader_makes_it_read_anew(
    client: Redis, store: RedisMemoryStore, elsewhere: RedisMemoryStore
) -> None:
    await store.put(EVERYWHERE, _writes(0, 5), now=NOW)
    await store.search(ME, NEAR)
    await elsewhere.put(EVERYWHERE, _writes(5, 5), now=NOW)
    await elsewhere.delete(EVERYWHERE, ["m0"])
    for changes in (["XTRIM", keys.CHANGES, "MAXLEN", "1"], ["DEL", keys.CHANGES]):
        await command(client, *changes)
        assert _ids(await store.search(ME, NEAR)) == {f"m{n}" for n in range(1, 10)}


async def test_an_emptied_database_is_not_answered_from_memory(client: Redis, store: RedisMemoryStore) -> None:
    await store.put(EVERYWHERE, _writes(0, 5), now=NOW)
    await store.search(ME, NEAR)
    await client.flushall()
    with suppress(Unavailable):  # the index is gone, too; on a cluster it is made again
        assert _ids(await store.search(ME, NEAR)) == set()
    await ensure_index(client, INDEX)
    await store.put(EVERYWHERE, _writes(7, 1), now=NOW)
    assert _ids(await store.search(ME, NEAR)) == {"m7"}


async def test_a_record_whose_key_was_removed_by_hand_is_left_out(client: Redis) -> None:
    store = RedisMemoryStore(client, INDEX, SearchOptions(kept_s=0.0))
    await store.put(EVERYWHERE, _writes(0, 5), now=NOW)
    await store.search(ME, NEAR)
    await client.delete(keys.record(INDEX.prefix, "m3"))
    ranked = await store.search(ME, NEAR)
    assert (_ids(ranked), ranked.total) == ({"m0", "m1", "m2", "m4"}, 4)


async def test_a_place_that_is_read_while_it_changes_misses_nothing(
    store: RedisMemoryStore, elsewhere: RedisMemoryStore
) -> None:
    await store.put(EVERYWHERE, _writes(0, 120), now=NOW)
    done = asyncio.Event()
    acknowledged: set[str] = {f"m{n}" for n in range(120)}

    async def write() -> None:
        for n in range(50):
            await elsewhere.put(EVERYWHERE, _writes(120 + n, 1, user_id="me" if n % 2 else "you"), now=NOW)
            if n % 2:
                acknowledged.add(f"m{120 + n}")
        done.set()

    async def search(reader: RedisMemoryStore) -> None:
        while not done.is_set():
            known = set(acknowledged)
            assert known <= _ids(await reader.search(ME, NEAR))

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        for reader in (store, elsewhere):
            for _ in range(2):
                group.create_task(search(reader))
    assert _ids(await store.search(ME, NEAR)) == acknowledged


async def test_an_access_noted_elsewhere_shows_in_the_next_result(
    store: RedisMemoryStore, elsewhere: RedisMemoryStore
) -> None:
    await store.put(EVERYWHERE, _writes(0, 3), now=NOW)
    await store.search(ME, NEAR)
    assert await elsewhere.touch(EVERYWHERE, ["m1"], at=NOW + 5_000) == 1
    seen = {hit.memory.id: hit.memory for hit in (await store.search(ME, NEAR)).hits}
    assert [(seen[id_].last_accessed, seen[id_].access_count) for id_ in ("m0", "m1")] == [(NOW, 0), (NOW + 5_000, 1)]


async def test_many_places_share_a_bounded_memory(client: Redis) -> None:
    store = RedisMemoryStore(client, INDEX, SearchOptions(cache_mb=1))
    users = [f"u{n}" for n in range(12)]
    for number, user in enumerate(users):
        await store.put(EVERYWHERE, _writes(200 * number, 200, user_id=user), now=NOW)
    for _ in range(2):
        for number, user in enumerate(users):
            ranked = await store.search(Scope(None, frozenset([user])), NEAR)
            assert _ids(ranked) == {f"m{n}" for n in range(200 * number, 200 * number + 200)}


async def test_a_block_too_large_to_compare_whole_finds_the_nearest(client: Redis) -> None:
    store = RedisMemoryStore(client, INDEX, SearchOptions(block_bytes=0))
    vectors = np.empty((0, DIMENSIONS), np.float32)
    for first in range(0, 4_000, 500):
        await store.put(EVERYWHERE, _writes(first, 500), now=NOW)
        vectors = np.concatenate([vectors, _vectors(500, seed=first)])
    found = 0
    queries = _vectors(30, seed=5_000)
    for query in queries:
        true = {f"m{n}" for n in np.argsort(1 - vectors @ query)[:10].tolist()}
        found += len(true & _ids(await store.search(ME, replace(NEAR, vector=query, limit=10))))
    assert found >= 0.99 * 10 * len(queries)
    some = Filter((only(TextField.ID, *(f"m{n}" for n in range(0, 4_000, 3))),))
    for query in queries[:5]:
        ranked = await store.search(ME, replace(NEAR, vector=query, limit=10, filter=some))
        true = {f"m{n}" for n in (np.argsort(1 - vectors[::3] @ query)[:10] * 3).tolist()}
        assert (len(true & _ids(ranked)) >= 9, ranked.total) == (True, 1_334)


async def test_a_search_that_is_given_up_disturbs_no_other(store: RedisMemoryStore) -> None:
    await store.put(EVERYWHERE, _writes(0, 50), now=NOW)
    for _ in range(20):
        tasks = [asyncio.create_task(store.search(ME, NEAR)) for _ in range(6)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        for ranked in await asyncio.gather(*tasks[1::2]):
            assert len(_ids(ranked)) == 50
        await asyncio.gather(*tasks[::2], return_exceptions=True)
        await store.put(EVERYWHERE, _writes(0, 50), now=NOW)


async def test_nobody_waits_until_a_large_place_is_read(client: Redis, elsewhere: RedisMemoryStore) -> None:
    store = RedisMemoryStore(client, INDEX, SearchOptions(waits=100))
    await store.put(EVERYWHERE, _writes(0, 300), now=NOW)
    query = replace(NEAR, limit=400)
    assert len(_ids(await store.search(ME, query))) == 300
    await elsewhere.put(EVERYWHERE, _writes(300, 5), now=NOW)
    await elsewhere.delete(EVERYWHERE, ["m0"])
    async with asyncio.timeout(30):
        while True:
            before = await _calls(client)
            ranked = await store.search(ME, query)
            assert _ids(ranked) == {f"m{n}" for n in range(1, 305)}
            after = await _calls(client)
            if after.get("FT.SEARCH") == before.get("FT.SEARCH"):
                break  # it is in memory now
    await store.close()


async def test_closing_ends_what_is_read_in_the_background(client: Redis) -> None:
    store = RedisMemoryStore(client, INDEX, SearchOptions(waits=10))
    await store.put(EVERYWHERE, _writes(0, 300), now=NOW)
    await store.search(ME, NEAR)
    await store.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "block"]
