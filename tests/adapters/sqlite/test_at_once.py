"""Short searches are answered on the event loop: with the same answers, never with old ones, and long ones are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import apsw
import numpy as np
import pytest
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.at_once import may_be_short
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.memory_store import SqliteMemoryStore
from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.filters import Filter, Match, Op, TagField, TextField, only
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Mode, Ranked, StoreQuery, Term
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import MemoryWrite

DIMENSIONS = 64
RECORDS = 600
SETTINGS = {
    "blocks": SearchSettings(dimensions=DIMENSIONS),
    "wide": SearchSettings(dimensions=DIMENSIONS, block_bytes=0, few=0),
}


def clustered(count: int, seed: int = 0, noise: float = 0.05) -> NDArray[np.float32]:
    chance = np.random.default_rng(seed)
    centers = chance.standard_normal((max(1, count // 20), DIMENSIONS))
    found = centers[np.arange(count) % len(centers)] + noise * chance.standard_normal((count, DIMENSIONS))
    unit: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return unit


def write(id_: str, vector: NDArray[np.float32] | None, user: str = "ann") -> MemoryWrite:
    memory = Memory(id=id_, text="tea", user_id=user, created_at=1.0, updated_at=1.0, last_accessed=1.0)
    return MemoryWrite(memory=memory, vector=vector)


def about(vector: NDArray[np.float32]) -> StoreQuery:
    return StoreQuery(mode=Mode.SEMANTIC, vector=vector, terms=(Term(("tea",)),))


def at_once(database: Database, searcher: Searcher, query: StoreQuery, scope: Scope = EVERYWHERE) -> Ranked | None:
    if not may_be_short(scope, query):
        return None
    found = database.read_at_once(lambda connection: searcher.search_at_once(connection, [(scope, query)]))
    (outcome,) = found or [None]
    assert not isinstance(outcome, Exception)
    return outcome


async def by_thread(database: Database, searcher: Searcher, query: StoreQuery, scope: Scope = EVERYWHERE) -> Ranked:
    return await database.read(lambda connection: searcher.search(connection, scope, query))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(DataFolder(path=tmp_path, dimensions=DIMENSIONS, durability="normal"))
    yield opened
    await opened.close()


@pytest.fixture(params=list(SETTINGS))
def searcher(request: pytest.FixtureRequest) -> Searcher:
    return Searcher(SETTINGS[request.param])


async def put(database: Database, searcher: Searcher, writes: Sequence[MemoryWrite]) -> None:
    await SqliteMemoryStore(database, searcher).put(EVERYWHERE, writes, now=1.0)


async def test_a_warm_search_has_the_answer_that_a_reading_thread_gives(database: Database, searcher: Searcher) -> None:
    near = clustered(RECORDS)
    await put(database, searcher, [write(f"m{i}", v, user=f"u{i % 3}") for i, v in enumerate(near)])
    scopes = (EVERYWHERE, Scope(users=frozenset(["u0", "u2"])), Scope(users=frozenset(["nobody"])))
    for number, vector in enumerate(near[:60]):
        scope = scopes[number % 3]
        query = replace(about(vector), limit=1 + number % 9, offset=number % 7)
        query = replace(query, filter=Filter((only(TextField.NAMESPACE, ""),) if number % 2 else ()))
        expected = await by_thread(database, searcher, query, scope)
        assert at_once(database, searcher, query, scope) == expected


async def test_a_search_after_a_commit_of_any_process_is_not_answered_from_before_it(
    database: Database, searcher: Searcher
) -> None:
    near = clustered(RECORDS)
    await put(database, searcher, [write(f"m{i}", vector) for i, vector in enumerate(near)])
    other = await Database.open(database.folder)
    try:
        for number in range(6):
            query = about(near[number])
            await by_thread(database, searcher, query)
            assert at_once(database, searcher, query) is not None
            await put(other if number % 2 else database, searcher, [write(f"new-{number}", near[number])])
            assert at_once(database, searcher, query) is None
            found = await by_thread(database, searcher, query)
            assert f"new-{number}" in {hit.memory.id for hit in found.hits}
            assert at_once(database, searcher, query) == found
    finally:
        await other.close()


async def test_searches_beside_writes_see_everything_that_was_acknowledged(
    database: Database, searcher: Searcher
) -> None:
    store = SqliteMemoryStore(database, searcher)
    near = clustered(400)
    await put(database, searcher, [write(f"m{i}", vector) for i, vector in enumerate(near[:200])])
    acknowledged = 200

    async def grow() -> None:
        nonlocal acknowledged
        for number in range(200, 400):
            await put(database, searcher, [write(f"m{number}", near[number])])
            acknowledged = number + 1

    async def look(seed: int) -> None:
        chance = np.random.default_rng(seed)
        while acknowledged < 400:
            newest = acknowledged
            wanted = int(chance.integers(newest))
            found = await store.search(EVERYWHERE, replace(about(near[wanted]), limit=1))
            assert [hit.memory.id for hit in found.hits] == [f"m{wanted}"]
            assert found.total >= newest
            await asyncio.sleep(0)

    await asyncio.gather(grow(), *(look(seed) for seed in range(8)))
    assert (await store.search(EVERYWHERE, about(near[0]))).total == 400


async def test_searches_of_one_moment_have_the_answers_that_reading_threads_give(
    database: Database, searcher: Searcher
) -> None:
    store = SqliteMemoryStore(database, searcher)
    near = clustered(RECORDS)
    await put(database, searcher, [write(f"m{i}", v, user=f"u{i % 3}") for i, v in enumerate(near)])
    scopes = (EVERYWHERE, Scope(users=frozenset(["u0", "u2"])), Scope(users=frozenset(["nobody"])))
    asked = [(scopes[n % 3], replace(about(v), limit=1 + n % 9, offset=n % 7)) for n, v in enumerate(near[:60])]
    expected = [await by_thread(database, searcher, query, scope) for scope, query in asked]
    for some in (1, 3, 60):
        found = await asyncio.gather(*(store.search(scope, query) for scope, query in asked[:some]))
        assert list(found) == expected[:some]


async def test_a_search_that_fails_fails_alone(database: Database, searcher: Searcher) -> None:
    store = SqliteMemoryStore(database, searcher)
    near = clustered(RECORDS)
    await put(database, searcher, [write(f"m{i}", vector) for i, vector in enumerate(near)])
    queries = [about(vector) for vector in near[:20]]
    expected = [await by_thread(database, searcher, query) for query in queries]
    queries[5] = about(np.ones(DIMENSIONS // 2, np.float32))
    given_up = asyncio.create_task(store.search(EVERYWHERE, about(near[99])))
    asyncio.get_running_loop().call_soon(given_up.cancel)
    found = await asyncio.gather(*(store.search(EVERYWHERE, query) for query in queries), return_exceptions=True)
    assert isinstance(found[5], ValueError)
    assert [*found[:5], *found[6:]] == [*expected[:5], *expected[6:]]
    with pytest.raises(asyncio.CancelledError):
        await given_up


async def test_searches_that_wait_while_the_store_closes_end(tmp_path: Path, searcher: Searcher) -> None:
    database = await Database.open(DataFolder(path=tmp_path, dimensions=DIMENSIONS, durability="normal"))
    store = SqliteMemoryStore(database, searcher)
    near = clustered(200)
    await put(database, searcher, [write(f"m{i}", vector) for i, vector in enumerate(near)])
    expected = await by_thread(database, searcher, about(near[0]))
    searches = [asyncio.create_task(store.search(EVERYWHERE, about(near[0]))) for _ in range(50)]
    async with asyncio.timeout(30):
        await asyncio.gather(database.close(), asyncio.sleep(0))
        found = await asyncio.gather(*searches, return_exceptions=True)
    assert all(one == expected or isinstance(one, Unavailable) for one in found)


async def test_what_may_take_long_is_declined(database: Database, searcher: Searcher) -> None:
    near = clustered(RECORDS)
    await put(database, searcher, [write(f"m{i}", vector) for i, vector in enumerate(near)])
    query = about(near[0])
    await by_thread(database, searcher, query)
    assert at_once(database, searcher, query) is not None
    long = {
        "hybrid": replace(query, mode=Mode.HYBRID),
        "keyword": replace(query, mode=Mode.KEYWORD, vector=None),
        "within": replace(query, within=0.5),
        "relevant": replace(query, min_relevance=0.5),
        "deep": replace(query, offset=95),
        "topics": replace(query, filter=Filter((only(TagField.TOPICS, "tea"),))),
        "prefix": replace(query, filter=Filter((Match(TextField.USER_ID, Op.PREFIX, ("a",)),))),
    }
    assert {name for name, one in long.items() if at_once(database, searcher, one) is not None} == set()
    many = Scope(users=frozenset(f"u{number}" for number in range(1_000)))
    assert at_once(database, searcher, query, many) is None


async def test_a_store_that_owes_a_vector_is_left_to_the_threads(database: Database, searcher: Searcher) -> None:
    near = clustered(RECORDS)
    await put(database, searcher, [*(write(f"m{i}", v) for i, v in enumerate(near)), write("owed", None)])
    found = await by_thread(database, searcher, about(near[0]))
    assert found.unembedded == 1
    assert at_once(database, searcher, about(near[0])) is None


async def test_a_wide_search_with_many_candidates_is_given_up_halfway(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_memory_server.adapters.sqlite.at_once.CANDIDATES", 20)
    searcher = Searcher(SETTINGS["wide"])
    near = clustered(RECORDS)
    await put(database, searcher, [write(f"m{i}", vector) for i, vector in enumerate(near)])
    expected = await by_thread(database, searcher, about(near[0]))
    assert at_once(database, searcher, about(near[0])) is None
    assert await SqliteMemoryStore(database, searcher).search(EVERYWHERE, about(near[0])) == expected


async def test_a_failing_engine_declines_and_a_failing_work_raises(database: Database) -> None:
    def engine_fails(connection: apsw.Connection) -> int:
        connection.execute("BEGIN")
        connection.execute("SELECT nothing FROM nowhere")
        return 1

    def work_fails(_: apsw.Connection) -> int:
        raise ValueError("of the caller")

    assert database.read_at_once(engine_fails) is None
    with pytest.raises(ValueError, match="of the caller"):
        database.read_at_once(work_fails)
    assert database.read_at_once(lambda connection: connection.in_transaction) is False


async def test_a_closed_store_answers_nothing(tmp_path: Path) -> None:
    database = await Database.open(DataFolder(path=tmp_path, dimensions=DIMENSIONS, durability="normal"))
    store = SqliteMemoryStore(database, Searcher(SETTINGS["blocks"]))
    await database.close()
    with pytest.raises(Unavailable):
        await store.search(EVERYWHERE, about(clustered(1)[0]))
