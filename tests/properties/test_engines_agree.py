"""Both engines rank alike: the same records, the same questions, the same answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.search import SearchOptions
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.memory_store import SqliteMemoryStore
from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings
from agent_memory_server.domain.filters import (
    EVERYTHING,
    Filter,
    Match,
    Op,
    TagField,
    TextField,
    TimeField,
    TimeRange,
    only,
)
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.query import Mode, Ranked, StoreQuery, Term
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.words import query_terms
from agent_memory_server.ports.memory_store import MemoryStore, MemoryWrite
from tests.adapters.sqlite.search_oracle import DIMENSIONS, TEXTS, a_memory, a_vector

SCOPES = (
    EVERYWHERE,
    Scope(users=frozenset(["ann"])),
    Scope(namespaces=frozenset(["one"])),
    Scope(frozenset(["one", "two"]), frozenset(["bob", ""])),
)
FILTERS = (
    EVERYTHING,
    Filter((Match(TagField.TOPICS, Op.ANY, ("red", "a,b")),)),
    Filter((Match(TextField.USER_ID, Op.NONE, ("ann",)), TimeRange(field=TimeField.CREATED_AT, low=30))),
    Filter((only(TextField.SESSION_ID, "s0", "s1"),)),
    Filter((Match(TextField.SESSION_ID, Op.PREFIX, ("s",)), only(TextField.NAMESPACE, "one", "three"))),
    Filter((), past=True),
)
WORDS = (*TEXTS, "café", "Köln", "naïve", "東京タワー", "北京大学", "커피", "Анна")
TOP = 10
MEMORY = 128
SIZES = {"blocks": (16 * 1024**2, MEMORY), "wide": (0, MEMORY), "not in memory": (16 * 1024**2, 0)}
"""Bytes of a block that is compared whole, and MB of this process for blocks."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two stores with the same records."""

    sqlite: MemoryStore
    redis: MemoryStore

    async def change(self, chance: np.random.Generator, records: int) -> None:
        """Store, replace, move and delete records; about a seventh without a vector, half of them turns."""
        writes = []
        for _ in range(records):
            vector = None if chance.random() < 0.15 else a_vector(chance)
            writes.append(MemoryWrite(memory=_record(chance, f"m{chance.integers(0, 250)}"), vector=vector))
        doomed = [f"m{number}" for number in chance.integers(0, 250, size=12)]
        for store in (self.sqlite, self.redis):
            await store.put(EVERYWHERE, writes, now=1.0)
            await store.delete(EVERYWHERE, doomed)

    async def check(self, scope: Scope, query: StoreQuery) -> None:
        """The same page from both; where scores are equal but for rounding, in any order."""
        mine, other = await self.sqlite.search(scope, query), await self.redis.search(scope, query)
        assert (other.total, other.unembedded, len(other.hits)) == (mine.total, mine.unembedded, len(mine.hits))
        assert [hit.score for hit in other.hits] == pytest.approx([hit.score for hit in mine.hits], abs=1e-5)
        assert [hit.dist for hit in other.hits] == pytest.approx([hit.dist for hit in mine.hits], abs=1e-5)
        whole = replace(query, limit=1_000, offset=0)
        everything = await self.sqlite.search(scope, whole)
        assert _top(await self.redis.search(scope, whole)) == _top(everything)


def _record(chance: np.random.Generator, id_: str) -> Memory:
    memory = a_memory(chance, id_)
    memory = replace(memory, text=" ".join(chance.choice(WORDS, size=int(chance.integers(0, 9)))))
    session = f"s{chance.integers(0, 4)}" if chance.random() < 0.6 else ""
    if chance.random() < 0.5:
        return replace(memory, session_id=session)
    text = f"{chance.choice(['ada', 'user', 'assistant'])}: {memory.text}"
    return replace(memory, session_id=session, memory_type=MemoryType.MESSAGE, text=text, persisted_at=50.0)


def _top(ranked: Ranked) -> list[list[str]]:
    """The first ten in groups of equal scores, the last group whole: of equals far behind, which ones become candidates
    depends on the order of storing across places, which is an engine's own."""
    groups: list[tuple[float, list[str]]] = []
    for hit in ranked.hits:
        score = round(hit.score or 0.0, 4)
        if not groups or abs(groups[-1][0] - score) > 2e-4:
            groups.append((score, []))
        groups[-1][1].append(hit.memory.id)
    top: list[list[str]] = []
    for _, ids in groups:
        if sum(map(len, top)) < TOP:
            top.append(sorted(ids))
    return top


def _query(chance: np.random.Generator, mode: Mode) -> StoreQuery:
    asked = [str(word) for word in chance.choice(WORDS, size=int(chance.integers(1, 4)), replace=False)]
    terms = list(query_terms(" ".join(asked)))
    if chance.random() < 0.3:
        phrase = " ".join(chance.choice(WORDS, size=2))
        terms += query_terms(f'"{phrase}"', phrases_required=chance.random() < 0.5)
    return StoreQuery(
        mode=mode,
        vector=None if mode is Mode.KEYWORD else a_vector(chance),
        terms=tuple(terms),
        text=f"what did ada say of {' and '.join(asked)}?" if chance.random() < 0.5 else "",
        filter=FILTERS[chance.integers(len(FILTERS))],
        alpha=float(chance.random()),
        within=0.8 if mode is Mode.SEMANTIC and chance.random() < 0.3 else None,
        limit=TOP,
        offset=int(chance.choice([0, 0, 0, 10, 90])),
        explain=bool(chance.random() < 0.3),
    )


@pytest.fixture(params=list(SIZES))
async def pair(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> AsyncIterator[Pair]:
    block_bytes, cache_mb = SIZES[request.param]
    database = await Database.open(DataFolder(path=tmp_path, dimensions=DIMENSIONS, durability="normal"))
    index = IndexOptions(dimensions=DIMENSIONS)
    async with open_client(redis_url) as client:
        await client.flushall()
        await ensure_index(client, index)
        searcher = Searcher(SearchSettings(dimensions=DIMENSIONS, block_bytes=block_bytes, few=0))
        yield Pair(
            SqliteMemoryStore(database, searcher),
            RedisMemoryStore(client, index, SearchOptions(block_bytes=block_bytes, cache_mb=cache_mb)),
        )
    await database.close()


@pytest.mark.parametrize("seed", range(3))
async def test_both_engines_answer_alike_through_changes(pair: Pair, seed: int) -> None:
    chance = np.random.default_rng(seed)
    for _ in range(6):
        await pair.change(chance, 60)
        for mode in Mode:
            for _ in range(4):
                await pair.check(SCOPES[chance.integers(len(SCOPES))], _query(chance, mode))


async def test_equal_records_stand_in_the_order_of_storing_in_both(pair: Pair) -> None:
    chance = np.random.default_rng(7)
    vector = a_vector(chance)
    for start in range(0, 60, 20):
        ids = [f"m{number}" for number in chance.permutation(np.arange(start, start + 20))]
        alike = [replace(a_memory(chance, id_), text="fig", user_id="ann", namespace="one") for id_ in ids]
        for store in (pair.sqlite, pair.redis):
            await store.put(EVERYWHERE, [MemoryWrite(memory=memory, vector=vector) for memory in alike], now=1.0)
    for mode in Mode:
        asked = None if mode is Mode.KEYWORD else vector
        query = StoreQuery(mode=mode, vector=asked, terms=(Term(("fig",)),), limit=60)
        mine, other = await pair.sqlite.search(EVERYWHERE, query), await pair.redis.search(EVERYWHERE, query)
        assert [hit.memory.id for hit in other.hits] == [hit.memory.id for hit in mine.hits]
