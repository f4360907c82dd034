"""Search: the ranking of `domain.ranking_page` over blocks that this process keeps in step with Redis.

A search reads what changed since the last one, brings the block of its places up to date, ranks in memory exactly as
the embedded engine does, and reads the page's records. So both engines rank alike by construction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.block_cache import BlockCache
from agent_memory_server.adapters.redis.block_rows import RowReader
from agent_memory_server.adapters.redis.blocks import BlockState
from agent_memory_server.adapters.redis.gathered import Gatherer
from agent_memory_server.adapters.redis.index import Index, IndexOptions
from agent_memory_server.adapters.redis.index_arms import IndexArms
from agent_memory_server.adapters.redis.places import Places, places
from agent_memory_server.adapters.redis.record_cache import RecordCache
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.signs import SignsView, by_signs
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.block import BlockSelection
from agent_memory_server.domain.distances import Vector
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.evidence import hit_of, with_matched_words
from agent_memory_server.domain.filters import Filter, matches
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Mode, Ranked, StoreQuery
from agent_memory_server.domain.ranking_page import RankingPage, page_of
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.selection import DenseArm
from agent_memory_server.domain.word_rows import flat
from agent_memory_server.domain.words import word_codes, words

MEGABYTE = 1024 * 1024

_NOTHING = Ranked(hits=(), total=0)
_ATTEMPTS = 5
_AT_ONCE_ROWS = 5_000
"""Of a block that is ranked on the event loop itself: by meaning a fraction of a millisecond."""

_THREADS = 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """cache_mb: memory of this process for blocks, at most. kept_s: how long a record that was read for a page is taken
    for what it is, unless the stream of changes tells otherwise.
    waits: how many records a search waits for until they are in memory, 40 µs each; where they are more, it asks the
    index meanwhile.
    ef_runtime, at_once: where a place takes more than cache_mb: how many records a graph compares, and how many records
    one search reads at a time.
    block_bytes: vectors of a block that is compared whole, and in which turns join that stand beside those found by
    words; 16 MB are 10.9k records of 384 dimensions."""

    cache_mb: int = 128
    kept_s: float = 30.0
    waits: int = 10_000
    ef_runtime: int = 1_000
    at_once: int = 20_000
    block_bytes: int = 16 * MEGABYTE


@dataclass(frozen=True, slots=True)
class WideSelection(BlockSelection):
    """`Selection` over a block that is too large to compare whole."""

    signs: SignsView | None = None

    def dense(self, query: Vector, among: Rids | None = None) -> DenseArm:
        """See `Selection`."""
        allowed = self._within(among)
        arm = by_signs(self.block, self.signs, query, allowed) if self.signs is not None else None
        return arm or BlockSelection.dense(self, query, among)

    def beside(self, rids: Rids, among: Rids | None = None) -> Rids:  # noqa: ARG002 - the port leaves this to engines
        """See `Selection`."""
        return np.empty(0, np.int64)


class RedisSearcher:
    """Searches the records of one index. Whoever opened the client closes it."""

    def __init__(self, client: Redis, index: IndexOptions, options: SearchOptions) -> None:
        self._index = Index(client, index.name)
        self._records = Records(client, prefix=index.prefix, index=index.name)
        self._known = RecordCache(self._records, kept_s=options.kept_s)
        reader = RowReader(client, prefix=index.prefix, dimensions=index.dimensions)
        self._blocks = BlockCache(
            client,
            self._index,
            reader,
            self._known,
            dimensions=index.dimensions,
            max_bytes=options.cache_mb * MEGABYTE,
            whole_bytes=options.block_bytes,
            waits=options.waits,
        )
        arms = IndexArms(client, index.name, prefix=index.prefix, ef_runtime=options.ef_runtime)
        self._gatherer = Gatherer(
            client,
            self._index,
            arms,
            reader,
            prefix=index.prefix,
            dimensions=index.dimensions,
            at_once=options.at_once,
        )
        self._threads = asyncio.Semaphore(_THREADS)

    async def close(self) -> None:
        """End what goes on in the background."""
        await self._blocks.close()

    async def search(self, scope: Scope, query: StoreQuery) -> Ranked:
        """See `MemoryStore.search`."""
        where, rest = places(scope, query.filter)
        for _ in range(_ATTEMPTS):
            await self._blocks.follow()
            answer = await self._search(where, rest, scope, query)
            if answer is not None:
                return answer
        raise Unavailable("the records found keep changing; try again")

    async def _search(self, where: Places, rest: Filter, scope: Scope, query: StoreQuery) -> Ranked | None:
        """The answer, or None where a record of the page is not what it was when it was ranked."""
        ids = await self._matching(where, rest)
        block = await self._blocks.get(where)
        if block is None:
            gathered = await self._gatherer.gather(where, rest, query, ids)
            if gathered is None:
                return _NOTHING
            state: BlockState = gathered[0]
            selection: BlockSelection = gathered[1]
        else:
            state = block.state
            allowed = None if ids is None else state.rids(ids)
            if not state.figures.records or (allowed is not None and not len(allowed)):
                return _NOTHING
            selection = self._selection(state, allowed)
        page = await self._ranked(state, query, lambda: page_of(selection, query))
        hit_ids = state.ids(np.array([placed.key for placed in page.placed], np.int64))
        found = await self._known.read(hit_ids)
        memories = {
            placed.key: found[id_]
            for placed, id_ in zip(page.placed, hit_ids, strict=True)
            if id_ in found and _belongs(scope, query.filter, found[id_])
        }
        if len(memories) < len(hit_ids):
            await self._blocks.read_again(hit_ids)
            return None
        others = [key for placed in page.placed for key in placed.also] if query.explain else []
        other_ids = state.ids(np.array(others, np.int64))
        return _answer(query, page, memories, dict(zip(others, other_ids, strict=True)))

    async def _matching(self, where: Places, rest: Filter) -> list[str] | None:
        """Ids of the records that satisfy the conditions that are left; None: there are no conditions."""
        if not rest.conditions:
            return None
        query = where.query(rest)
        if query is None:
            return []
        ids = await self._index.every(query) if query.ids is None else list(query.ids)
        if query.rest.conditions:
            found = await self._records.read(ids)
            ids = [id_ for id_, stored in found.items() if matches(rest, stored.memory)]
        return ids

    @staticmethod
    def _selection(state: BlockState, allowed: Rids | None) -> BlockSelection:
        if state.signs is None:
            return BlockSelection(state.view, state.turns, allowed, state.figures)
        return WideSelection(state.view, state.turns, allowed, state.figures, state.signs)

    async def _ranked(self, state: BlockState, query: StoreQuery, rank: Callable[[], T]) -> T:
        short = state.figures.records <= _AT_ONCE_ROWS or state.signs is not None
        if query.mode is Mode.SEMANTIC and query.within is None and short:
            return rank()
        async with self._threads:
            return await asyncio.to_thread(rank)


def _belongs(scope: Scope, filter_: Filter, memory: Memory) -> bool:
    return scope.allows(memory.namespace, memory.user_id) and matches(filter_, memory)


def _answer(query: StoreQuery, page: RankingPage, memories: Mapping[int, Memory], ids: Mapping[int, str]) -> Ranked:
    evidence = {placed.key: placed.evidence for placed in page.placed} if query.explain else {}
    if query.explain and query.terms:
        rids = np.array(sorted(evidence), np.int64)
        told = flat([word_codes(words(memories[rid].text)).tobytes() for rid in rids.tolist()])
        evidence = with_matched_words(evidence, rids, told, query.terms)
    hits = tuple(hit_of(placed, memories[placed.key], evidence.get(placed.key), ids) for placed in page.placed)
    return Ranked(hits=hits, total=page.total, unembedded=page.unembedded)
