"""Searching places that are not in memory: the index chooses candidates, which are read and ranked as in a block.

Where the index cannot tell which records satisfy a filter or hold a phrase, all that may are sifted, a part at a time.
How the ranking differs from that of a block:

- Candidates are the nearest vectors and the records that hold the words best by the frequencies of the whole index; how
  these rank is computed with the frequencies of the places searched. In how many records a phrase stands whose words
  are in thousands is estimated.
- The mean length of texts is that of a sample.
- Of sessions with very many turns, a turn's neighbours are looked for within an hour (`neighbours`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.block_rows import Row, RowReader
from agent_memory_server.adapters.redis.blocks import Block, BlockState
from agent_memory_server.adapters.redis.filter_query import IndexQuery, also
from agent_memory_server.adapters.redis.index import Index
from agent_memory_server.adapters.redis.index_arms import IndexArms, holding
from agent_memory_server.adapters.redis.neighbours import Neighbours
from agent_memory_server.adapters.redis.places import Places
from agent_memory_server.adapters.redis.sieve import Counts, Sieve
from agent_memory_server.adapters.redis.text_lengths import TextLengths
from agent_memory_server.adapters.redis.word_counts import WordCounts
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.block import BlockSelection
from agent_memory_server.domain.distances import Distances, Vector, joined
from agent_memory_server.domain.filters import EVERYTHING, Filter
from agent_memory_server.domain.fusion import WORD_DEPTH
from agent_memory_server.domain.keyword import NOTHING, Counted, Found, kept_terms
from agent_memory_server.domain.periods import DATED_DEPTH, TOLD_AFTER_S
from agent_memory_server.domain.query import Mode, Period, StoreQuery, Term
from agent_memory_server.domain.ranking import ARM_DEPTH
from agent_memory_server.domain.ranking_page import bound_of
from agent_memory_server.domain.selection import DenseArm, InMemory

_OWED = "@owed_:{1}"
_UNREAD = 1 << 40
"""Numbers from here on belong to records that were counted and not read."""

_LENT = 2
_JOINING = 3
"""How far away turns lend something to a candidate; and to the turns beside it, which join in a hybrid search."""


@dataclass(frozen=True, slots=True)
class _Near:
    """`DenseArm` over candidates, of which those that were not read stand behind."""

    read: InMemory
    count: int

    def best(self, wanted: int, sure: int) -> Distances:
        """See `DenseArm`."""
        return self.read.best(wanted, sure)

    def within(self, bound: float) -> Distances:
        """See `DenseArm`."""
        near = self.read.within(bound)
        more = max(self.count - len(near.rids), 0)
        unread = Distances(_UNREAD + np.arange(more), np.full(more, np.inf, np.float32))
        return joined([near, unread])

    def of(self, rids: Rids) -> Distances:
        """See `DenseArm`."""
        return self.read.of(rids)


@dataclass(frozen=True, slots=True)
class Gathered(BlockSelection):
    """`Selection` of which only candidates were read, and the turns beside them. frequencies: in how many records of
    the places each term stands. Records that were not read are numbers of no row."""

    counts: Counts = field(default_factory=lambda: Counts(records=0))
    frequencies: Mapping[Term, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """See `Selection`."""
        return self.counts.records

    def dense(self, query: Vector, among: Rids | None = None) -> DenseArm:
        """See `Selection`."""
        return _Near(InMemory(self.block.distances(query, self._within(among))), self.counts.near)

    def keyword(self, terms: Sequence[Term], wanted: int, among: Rids | None = None) -> Found:
        """See `Selection`."""
        found = self._held(terms, wanted, self._within(among))
        return found if among is not None else replace(found, total=max(self.counts.worded, found.total))

    def _held(self, terms: Sequence[Term], wanted: int, among: Rids | None) -> Found:
        if not terms:
            return NOTHING
        frequencies = [self.frequencies.get(term, 0) for term in terms]
        return self.block.keyword(self.figures, terms, among, wanted, frequencies=frequencies)

    def holding(self, terms: Sequence[Term]) -> Rids:
        """See `Selection`."""
        read = np.sort(self._held(terms, len(self.block.rids), self.allowed).arm.keys)
        return np.concatenate([read, _UNREAD + np.arange(max(self.counts.held - len(read), 0))])

    def owed(self) -> Rids:
        """See `Selection`."""
        read = BlockSelection.owed(self)
        return np.concatenate([read, 2 * _UNREAD + np.arange(max(self.counts.owing - len(read), 0))])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What one search asks. everything: of its places; matching: its filter, too; owing: how many of these have no
    vector; deciding: the terms that decide what matches; older: see `holding`; bound: the distance within which results
    lie, if there is one."""

    query: StoreQuery
    everything: IndexQuery
    matching: IndexQuery
    figures: Counted
    owing: int
    frequencies: Mapping[Term, int]
    deciding: Sequence[Term]
    older: bool
    bound: float | None


class Gatherer:
    """Gathers candidates. at_once: records that are read at a time."""

    def __init__(
        self, client: Redis, index: Index, arms: IndexArms, reader: RowReader, *, prefix: str, dimensions: int,
        at_once: int,
    ) -> None:  # fmt: skip
        self._index = index
        self._arms = arms
        self._reader = reader
        self._lengths = TextLengths(client, index, prefix=prefix)
        self._words = WordCounts(client, index, prefix=prefix)
        self._neighbours = Neighbours(client, index, reader, prefix=prefix)
        self._dimensions = dimensions
        self._at_once = at_once

    async def gather(
        self, where: Places, rest: Filter, query: StoreQuery, ids: Sequence[str] | None
    ) -> tuple[BlockState, Gathered] | None:
        """The candidates of a search; None where nothing can match. ids: of all records that satisfy the filter, where
        it needed them. Raises: Unavailable."""
        everything, matching = where.query(EVERYTHING), where.query(rest)
        if everything is None or matching is None:
            return None
        asked = await self._asked(where, query, everything, matching)
        required = [term for term in query.terms if term.required]
        if ids is None and required and query.mode is not Mode.SEMANTIC:
            held = holding(matching, required, every=True, older=asked.older)
            ids = await self._index.every(held) if held else []
        if ids is not None:
            rows, counts = await self._sifted(where, asked, ids)
        else:
            counts = await self._counts(asked)
            rows = await self._reader.read(await self._candidates(asked))
        chosen = None
        if query.mode is not Mode.SEMANTIC:
            reach = _JOINING if query.mode is Mode.HYBRID else _LENT
            beside = await self._neighbours.of(where, rows, reach=reach)
            chosen = None if ids is None else rows.keys() | (beside.keys() & set(ids))
            rows = rows | beside
        state = _block(where, rows.values(), self._dimensions).state
        allowed = None if chosen is None else state.rids(list(chosen))
        return state, Gathered(state.view, state.turns, allowed, asked.figures, counts, asked.frequencies)

    async def _asked(self, where: Places, query: StoreQuery, everything: IndexQuery, matching: IndexQuery) -> _Asked:
        older = await self._arms.older()
        records = await self._index.count(everything)
        owing = await self._index.count(also(matching, _OWED))
        # By meaning alone, words serve only records without a vector.
        terms = query.terms if owing or query.mode is not Mode.SEMANTIC else ()
        counts = [self._words.of(everything, [term], older=older) for term in terms]
        frequencies = dict(zip(terms, await asyncio.gather(*counts), strict=True))
        mean = await self._lengths.mean(where, everything, records) if terms else 0.0
        kept = kept_terms(terms, [frequencies[term] for term in terms], records)
        return _Asked(
            query=query,
            everything=everything,
            matching=matching,
            figures=Counted(records, round(mean * records)),
            owing=owing,
            frequencies=frequencies,
            deciding=kept.terms if kept else (),
            older=older,
            bound=bound_of(query) if query.mode is Mode.SEMANTIC else None,
        )

    async def _sifted(self, where: Places, asked: _Asked, ids: Sequence[str]) -> tuple[dict[str, Row], Counts]:
        """The best of these records, and counts of all of them."""
        sieve = Sieve(asked.query, asked.figures, asked.frequencies, asked.bound)
        for start in range(0, len(ids), self._at_once):
            rows = await self._reader.read(ids[start : start + self._at_once])
            sieve.take(_block(where, rows.values(), self._dimensions).state, rows)
        if len(ids) <= self._at_once:
            return sieve.kept, sieve.counts
        best = Sieve(asked.query, asked.figures, asked.frequencies, asked.bound)  # of the best of each part
        best.take(_block(where, sieve.kept.values(), self._dimensions).state, sieve.kept)
        return best.kept, sieve.counts

    async def _counts(self, asked: _Asked) -> Counts:
        query, matching = asked.query, asked.matching
        near = 0
        if asked.bound is not None and asked.bound >= 0.0 and query.vector is not None:
            near = await self._index.count(await self._arms.within(matching, query.vector, asked.bound))
        return Counts(
            records=asked.figures.records if matching == asked.everything else await self._index.count(matching),
            worded=await self._words.of(matching, asked.deciding, older=asked.older),
            owing=asked.owing,
            near=near,
        )

    async def _candidates(self, asked: _Asked) -> Sequence[str]:
        query, matching = asked.query, asked.matching
        depth = query.offset + query.limit
        ids: list[str] = []
        if query.vector is not None:
            # Of a page behind the fused part as many are passed over as were fused.
            ids += await self._arms.nearest(
                matching, query.vector, ARM_DEPTH if depth <= ARM_DEPTH else depth + WORD_DEPTH
            )
            if query.periods and query.mode is Mode.HYBRID:
                ids += await self._arms.nearest(also(matching, _dated(query.periods)), query.vector, DATED_DEPTH)
        owed = [also(matching, _OWED)] if asked.owing else []
        for among in owed if query.mode is Mode.SEMANTIC else (matching, *owed):
            wanted = holding(among, asked.deciding, older=asked.older)
            if wanted is not None:
                ids += await self._arms.holding(wanted, max(depth, WORD_DEPTH))
        return ids


def _dated(periods: Sequence[Period]) -> str:
    """Records of one of the periods (`periods.closeness` > 0), or a little more."""
    spans = [
        f"@created_at:[{period.start!r} {period.end + TOLD_AFTER_S!r}]|@event_date:[{period.start!r} ({period.end!r}]"
        for period in periods
    ]
    return f"({'|'.join(spans)})"


def _block(where: Places, rows: Iterable[Row], dimensions: int) -> Block:
    block = Block(where, dimensions, whole_bytes=2**63)
    block.fill(rows)
    return block
