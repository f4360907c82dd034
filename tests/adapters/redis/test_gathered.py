"""Places too large for memory are searched by candidates of the index, with the answers that a block gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.block_rows import RowReader
from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.index import Index, IndexOptions, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.neighbours import Neighbours
from agent_memory_server.adapters.redis.places import places
from agent_memory_server.adapters.redis.search import SearchOptions
from agent_memory_server.domain.filters import EVERYTHING, Filter, Match, Op, TagField, TextField, only
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.query import Mode, Period, Ranked, StoreQuery
from agent_memory_server.domain.relevance import Estimates, Logistic
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.words import query_terms
from agent_memory_server.ports.memory_store import MemoryWrite
from tests.contract.memories import NOW, memory
from tests.contract.test_memory_languages import ASKED, TEXTS

DIMENSIONS = 16
WORDS = "apple pear plum cherry grape melon lemon fig date olive".split()
DAY_S = 86_400.0
MINE = Scope(None, frozenset(["me"]))
FILTERS = (
    EVERYTHING,
    Filter((only(TagField.TOPICS, "red"),)),
    Filter((Match(TextField.SESSION_ID, Op.PREFIX, ("s1",)),)),
)


def _unit(chance: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    vector = chance.standard_normal(DIMENSIONS)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _writes(chance: np.random.Generator, count: int) -> list[MemoryWrite]:
    return [
        MemoryWrite(
            memory=memory(
                f"m{n}",
                " ".join(chance.choice(WORDS, size=4)),
                user_id=["me", "me", "you"][n % 3],
                session_id=f"s{n % 20}",
                topics=("red",) if n % 4 == 0 else (),
            ),
            vector=None if n % 29 == 0 else _unit(chance),
        )
        for n in range(count)
    ]


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        yield opened


@pytest.fixture(params=["HNSW", "FLAT"])
async def pair(client: Redis, request: pytest.FixtureRequest) -> tuple[RedisMemoryStore, RedisMemoryStore]:
    """One store that keeps blocks, and one that has no memory for any."""
    index = IndexOptions(dimensions=DIMENSIONS, algorithm=request.param)
    await ensure_index(client, index)
    store = RedisMemoryStore(client, index)
    await store.put(EVERYWHERE, _writes(np.random.default_rng(1), 600), now=NOW)
    return store, RedisMemoryStore(client, index, SearchOptions(cache_mb=0))


def _ids(ranked: Ranked) -> list[str]:
    return [hit.memory.id for hit in ranked.hits]


async def test_the_nearest_are_the_same_on_every_page(pair: tuple[RedisMemoryStore, RedisMemoryStore]) -> None:
    chance = np.random.default_rng(2)
    block, gathered = pair
    for filter_ in FILTERS:
        query = StoreQuery(mode=Mode.SEMANTIC, vector=_unit(chance), filter=filter_)
        for asked in (query, replace(query, offset=90, limit=20), replace(query, within=0.9)):
            mine, other = await block.search(MINE, asked), await gathered.search(MINE, asked)
            assert (other.total, other.unembedded) == (mine.total, mine.unembedded)
            assert _ids(other) == _ids(mine)
            assert [hit.dist for hit in other.hits] == pytest.approx([hit.dist for hit in mine.hits], abs=1e-6)


async def test_words_find_and_count_the_same(pair: tuple[RedisMemoryStore, RedisMemoryStore]) -> None:
    block, gathered = pair
    for filter_ in FILTERS:
        for text in ("apple", "cherries and olives", "fig date grape melon", "who is it"):
            query = StoreQuery(
                mode=Mode.KEYWORD, terms=query_terms(text), text=text, filter=filter_, limit=1_000, explain=True
            )
            mine, other = await block.search(MINE, query), await gathered.search(MINE, query)
            assert other.total == mine.total
            assert {(h.memory.id, h.evidence.matched_words) for h in other.hits if h.evidence} == {
                (h.memory.id, h.evidence.matched_words) for h in mine.hits if h.evidence
            }


async def test_both_arms_are_fused_and_required_phrases_kept(
    pair: tuple[RedisMemoryStore, RedisMemoryStore],
) -> None:
    chance = np.random.default_rng(3)
    block, gathered = pair
    for text in ("apple pear", '"apple pear"', '"fig date" olives'):
        terms = query_terms(text, phrases_required=True)
        for filter_ in FILTERS:
            query = StoreQuery(mode=Mode.HYBRID, vector=_unit(chance), terms=terms, text=text, filter=filter_)
            mine, other = await block.search(MINE, query), await gathered.search(MINE, query)
            assert (other.total, other.unembedded) == (mine.total, mine.unembedded)
            assert _ids(other)[:1] == _ids(mine)[:1]
            assert len(set(_ids(other)) & set(_ids(mine))) >= len(_ids(mine)) - 2


async def test_words_of_the_query_language_are_words(pair: tuple[RedisMemoryStore, RedisMemoryStore]) -> None:
    block, gathered = pair
    for text in ("(is|it)", "@text:{*}", "apple=>[KNN 1 @vector $v]", '"the a" apple', "-apple ~pear $w0 %fig%"):
        terms = query_terms(text, phrases_required=True)
        for mode in (Mode.KEYWORD, Mode.HYBRID):
            vector = None if mode is Mode.KEYWORD else _unit(np.random.default_rng(4))
            query = StoreQuery(mode=mode, vector=vector, terms=terms, text=text)
            mine, other = await block.search(MINE, query), await gathered.search(MINE, query)
            assert (other.total, other.unembedded) == (mine.total, mine.unembedded), text


async def test_records_that_only_reading_tells_apart_are_sifted_in_parts(client: Redis) -> None:
    index = IndexOptions(dimensions=DIMENSIONS)
    await ensure_index(client, index)
    block = RedisMemoryStore(client, index)
    gathered = RedisMemoryStore(client, index, SearchOptions(cache_mb=0, at_once=50))
    chance = np.random.default_rng(5)
    await block.put(EVERYWHERE, _writes(chance, 600), now=NOW)
    for text in ("apple", '"apple pear"', '"fig date" olives'):
        for mode in Mode:
            vector = None if mode is Mode.KEYWORD else _unit(chance)
            terms = query_terms(text, phrases_required=mode is Mode.HYBRID)
            query = StoreQuery(mode=mode, vector=vector, terms=terms, text=text, filter=FILTERS[2], limit=5)
            mine, other = await block.search(MINE, query), await gathered.search(MINE, query)
            assert (other.total, other.unembedded) == (mine.total, mine.unembedded)
            assert _ids(other)[:1] == _ids(mine)[:1]
            assert len(set(_ids(other)) & set(_ids(mine))) >= len(_ids(mine)) - 1


def _talk(chance: np.random.Generator) -> list[MemoryWrite]:
    """Turns of several sessions, some of which were said at the same moment, and records that are no messages."""
    writes = []
    for n in range(400):
        turn = n % 5 > 0
        text = " ".join(chance.choice(WORDS, size=int(chance.integers(1, 12))))
        made = memory(
            f"m{n}",
            f"{chance.choice(['Ada', 'Ben'])}: {text}" if turn else text,
            user_id=["me", "you"][n % 2],
            session_id=f"s{chance.integers(0, 12)}",
            memory_type=MemoryType.MESSAGE if turn else MemoryType.SEMANTIC,
            created_at=NOW - float(chance.integers(0, 60)) * DAY_S,
            persisted_at=NOW + float(chance.integers(0, 2)),
            event_date=NOW - 20 * DAY_S if n % 50 == 0 else None,
            topics=("red",) if n % 4 == 0 else (),
        )
        writes.append(MemoryWrite(memory=made, vector=None if n % 29 == 0 else _unit(chance)))
    return writes


async def test_turns_lend_to_their_neighbours_as_in_memory(client: Redis) -> None:
    index = IndexOptions(dimensions=DIMENSIONS)
    await ensure_index(client, index)
    block, gathered = RedisMemoryStore(client, index), RedisMemoryStore(client, index, SearchOptions(cache_mb=0))
    chance = np.random.default_rng(6)
    await block.put(EVERYWHERE, _talk(chance), now=NOW)
    last_month = (Period(NOW - 25 * DAY_S, NOW - 15 * DAY_S),)
    for text in ("apple", "What did Ben say of cherries and olives?", '"fig date" grape', "melon"):
        for filter_ in FILTERS:
            for mode in (Mode.KEYWORD, Mode.HYBRID):
                query = StoreQuery(
                    mode=mode,
                    vector=_unit(chance) if mode is Mode.HYBRID else None,
                    terms=query_terms(text, phrases_required=mode is Mode.HYBRID),
                    text=text,
                    filter=filter_,
                    periods=last_month if text == "melon" else (),
                )
                mine, other = await block.search(MINE, query), await gathered.search(MINE, query)
                assert (other.total, other.unembedded) == (mine.total, mine.unembedded)
                assert [hit.score for hit in other.hits] == pytest.approx([hit.score for hit in mine.hits], abs=1e-5)
                assert _ids(other) == _ids(mine)


async def test_beside_a_turn_of_very_long_sessions_stands_what_was_said_within_the_hour(client: Redis) -> None:
    index = IndexOptions(dimensions=DIMENSIONS)
    await ensure_index(client, index)
    store = RedisMemoryStore(client, index)
    turns = [
        MemoryWrite(
            memory=memory(f"t{n}", f"Ada: {n}", memory_type=MemoryType.MESSAGE, session_id="s", created_at=1_000.0 * n)
        )
        for n in range(20)
    ]
    await store.put(EVERYWHERE, turns, now=NOW)
    reader = RowReader(client, prefix=index.prefix, dimensions=DIMENSIONS)
    rows = await reader.read(["t10"])
    where, _ = places(EVERYWHERE, EVERYTHING)
    for most, found in ((100, {6, 7, 8, 9, 11, 12, 13, 14}), (10, {7, 8, 9, 11, 12, 13})):
        neighbours = Neighbours(client, Index(client, index.name), reader, prefix=index.prefix, most_turns=most)
        assert (await neighbours.of(where, rows, reach=4)).keys() == {f"t{n}" for n in found}


async def test_relevance_bounds_a_search_by_meaning_and_its_total(
    pair: tuple[RedisMemoryStore, RedisMemoryStore],
) -> None:
    chance = np.random.default_rng(8)
    block, gathered = pair
    for floor in (0.0, 0.05, 0.5, 1.0):
        for filter_ in FILTERS:
            query = StoreQuery(
                mode=Mode.SEMANTIC,
                vector=_unit(chance),
                filter=filter_,
                estimates=Estimates(meaning=Logistic(meaning=11.1, bias=-5.7)),
                min_relevance=floor,
            )
            mine, other = await block.search(MINE, query), await gathered.search(MINE, query)
            assert (other.total, _ids(other)) == (mine.total, _ids(mine))


async def test_a_memory_is_found_by_its_words_in_any_script(client: Redis) -> None:
    index = IndexOptions(dimensions=DIMENSIONS)
    await ensure_index(client, index)
    store = RedisMemoryStore(client, index, SearchOptions(cache_mb=0))
    writes = [MemoryWrite(memory=memory(id_, of)) for id_, of in TEXTS.items()]
    await store.put(EVERYWHERE, writes, now=NOW)
    for text, wanted in ASKED.items():
        for mode in (Mode.KEYWORD, Mode.HYBRID):
            terms = query_terms(text, phrases_required=mode is Mode.HYBRID)
            vector = _unit(np.random.default_rng(4)) if mode is Mode.HYBRID else None
            ranked = await store.search(EVERYWHERE, StoreQuery(mode=mode, terms=terms, text=text, vector=vector))
            assert _ids(ranked)[0] == wanted, text


async def test_of_more_records_than_are_read_those_that_hold_rare_words_are_found(client: Redis) -> None:
    index = IndexOptions(dimensions=DIMENSIONS)
    await ensure_index(client, index)
    block, gathered = RedisMemoryStore(client, index), RedisMemoryStore(client, index, SearchOptions(cache_mb=0))
    chance = np.random.default_rng(9)
    texts = [f"apple {' '.join(chance.choice(WORDS, size=int(chance.integers(0, 6))))}" for _ in range(1_500)]
    for n in (700, 1_100, 1_499):
        texts[n] += " quince"
    writes = [
        MemoryWrite(memory=memory(f"m{n}", text, user_id=["me", "you"][n % 2], namespace=f"n{n % 3}"), vector=None)
        for n, text in enumerate(texts)
    ]
    for start in range(0, len(writes), 500):
        await block.put(EVERYWHERE, writes[start : start + 500], now=NOW)
    for scope in (EVERYWHERE, MINE, Scope(frozenset(["n0", "n1"]), frozenset(["me"]))):
        for text in ("an apple or a quince", "apple cherry quince"):
            query = StoreQuery(mode=Mode.KEYWORD, terms=query_terms(text), text=text)
            mine, other = await block.search(scope, query), await gathered.search(scope, query)
            assert other.total == mine.total
            assert [hit.score for hit in other.hits] == pytest.approx([hit.score for hit in mine.hits], abs=1e-3)
            assert _ids(other)[:2] == _ids(mine)[:2]
