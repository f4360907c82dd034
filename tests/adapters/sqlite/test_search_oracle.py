"""Search agrees with comparing everything, over random stores, through updates, deletions and two processes' eyes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.record_writer import delete_records, put_records
from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings
from agent_memory_server.domain.filters import EVERYTHING, Filter, Match, Op, TagField, TextField, TimeField, TimeRange
from agent_memory_server.domain.query import Mode, Ranked, StoreQuery, Term
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import MemoryWrite
from tests.adapters.sqlite.search_oracle import DIMENSIONS, TEXTS, Oracle, a_memory, a_vector, whole

SCOPES = (
    EVERYWHERE,
    Scope(users=frozenset(["ann"])),
    Scope(namespaces=frozenset(["one"])),
    Scope(frozenset(["one", "two"]), frozenset(["bob", ""])),
    Scope(users=frozenset(["nobody"])),
)
FILTERS = (
    EVERYTHING,
    Filter((Match(TagField.TOPICS, Op.ANY, ("red", "a,b")),)),
    Filter((Match(TextField.USER_ID, Op.NONE, ("ann",)), TimeRange(field=TimeField.CREATED_AT, low=30))),
)
ENGINES = {
    "blocks": SearchSettings(dimensions=DIMENSIONS),
    "index and sketch": SearchSettings(dimensions=DIMENSIONS, block_bytes=0, words_bytes=0, few=0),
    "index and few": SearchSettings(dimensions=DIMENSIONS, block_bytes=0, words_bytes=0, few=40),
    "words and sketch": SearchSettings(dimensions=DIMENSIONS, block_bytes=0, few=0),
}


@dataclass
class Store:
    """The engine twice on one folder, as two processes have it, and the oracle."""

    database: Database
    other: Database
    searchers: tuple[Searcher, Searcher]
    oracle: Oracle

    async def change(self, chance: np.random.Generator, records: int) -> None:
        scope = EVERYWHERE
        writes = []
        for _ in range(records):
            memory = a_memory(chance, f"m{chance.integers(0, 90)}")
            vector = None if chance.random() < 0.15 else a_vector(chance)
            writes.append(MemoryWrite(memory=memory, vector=vector))
            self.oracle.put(memory, vector)
        doomed = [id_ for id_ in self.oracle.memories if chance.random() < 0.1]
        for id_ in doomed:
            self.oracle.delete(id_)
        database = self.database if chance.random() < 0.5 else self.other
        await database.write(lambda c: put_records(c, scope, writes, now=1.0))
        await database.write(lambda c: delete_records(c, scope, doomed))

    async def search(self, scope: Scope, query: StoreQuery, *, other: bool) -> Ranked:
        database = self.other if other else self.database
        return await database.read(lambda c: self.searchers[other].search(c, scope, query))


@pytest.fixture(params=list(ENGINES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    folder = DataFolder(path=tmp_path, dimensions=DIMENSIONS, durability="normal")
    database, other = await Database.open(folder), await Database.open(folder)
    settings = ENGINES[request.param]
    yield Store(database, other, (Searcher(settings), Searcher(settings)), Oracle())
    await database.close()
    await other.close()


def a_query(chance: np.random.Generator, mode: Mode) -> StoreQuery:
    terms = [Term((str(word),)) for word in chance.choice(TEXTS, size=int(chance.integers(1, 4)), replace=False)]
    terms = [replace(term, words=tuple(_stem(word) for word in term.words)) for term in terms]
    if chance.random() < 0.4:
        phrase = tuple(_stem(str(word)) for word in chance.choice(TEXTS, size=2))
        terms.append(Term(phrase, required=chance.random() < 0.5))
    return StoreQuery(
        mode=mode,
        vector=None if mode is Mode.KEYWORD else a_vector(chance),
        terms=tuple(terms),
        filter=FILTERS[chance.integers(len(FILTERS))],
        alpha=float(chance.random()),
        within=0.8 if mode is Mode.SEMANTIC and chance.random() < 0.3 else None,
        limit=7,
    )


def _stem(word: str) -> str:
    from agent_memory_server.domain.words import words

    return words(word)[0]


def expected(oracle: Oracle, scope: Scope, query: StoreQuery) -> dict[str, float]:
    """Score by id of the whole ranking (for semantic search: by distance, without what follows behind)."""
    if query.mode is Mode.KEYWORD:
        scores = oracle.word_scores(scope, query)
        best = max(scores.values(), default=1.0)
        return {id_: score / best for id_, score in scores.items()}
    if query.mode is Mode.HYBRID:
        return oracle.fused(scope, query)
    distances = oracle.distances(scope, query)
    return {id_: 1 - d for id_, d in distances.items() if query.within is None or d <= query.within}


async def check(store: Store, chance: np.random.Generator, mode: Mode) -> None:
    scope = SCOPES[chance.integers(len(SCOPES))]
    query = a_query(chance, mode)
    other = bool(chance.random() < 0.5)
    ranked = await store.search(scope, whole(query), other=other)
    want = expected(store.oracle, scope, query)
    behind = 0
    if mode is Mode.SEMANTIC:
        words_only = [id_ for id_ in store.oracle.word_scores(scope, query) if id_ not in store.oracle.vectors]
        behind = len(words_only)
        assert {hit.memory.id for hit in ranked.hits[len(want) :]} == set(words_only)
    assert ranked.total == len(ranked.hits) == len(want) + behind
    front = ranked.hits[: len(want)]
    assert {hit.memory.id for hit in front} == set(want)
    for hit, score in zip(front, sorted(want.values(), reverse=True), strict=True):
        assert hit.memory.text == store.oracle.memories[hit.memory.id].text
        if mode is Mode.SEMANTIC:
            assert hit.dist == pytest.approx(1 - want[hit.memory.id], abs=1e-5)
            assert hit.dist == pytest.approx(1 - score, abs=1e-5)
        else:
            assert hit.score == pytest.approx(want[hit.memory.id], abs=1e-5)
            assert hit.score == pytest.approx(score, abs=1e-5)
    pages = []
    for offset in range(0, ranked.total + 7, 7):
        page = await store.search(scope, replace(query, offset=offset), other=other)
        assert page.total == ranked.total
        pages += [hit.memory.id for hit in page.hits]
    assert pages == [hit.memory.id for hit in ranked.hits]


@pytest.mark.parametrize("seed", range(6))
async def test_every_ranking_is_that_of_comparing_everything(store: Store, seed: int) -> None:
    chance = np.random.default_rng(seed)
    for _ in range(6):
        await store.change(chance, int(chance.integers(1, 40)))
        for mode in Mode:
            for _ in range(3):
                await check(store, chance, mode)
