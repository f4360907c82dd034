"""Searching places too large for memory: the index chooses candidates, which are read and ranked as in a block.

Where the index cannot tell which records satisfy a filter or hold a phrase, all that may are sifted, a part at a time.
What is left out in such places: turns lend each other nothing unless both are candidates, words are found as the index
cuts and folds text (no Chinese, no accents), and the mean length of texts is that of the candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from agent_memory_server.adapters.redis.block_rows import Row, RowReader
from agent_memory_server.adapters.redis.blocks import Block, BlockState
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.adapters.redis.index import Index
from agent_memory_server.adapters.redis.index_arms import IndexArms, holding
from agent_memory_server.adapters.redis.places import Places
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.block import BlockSelection
from agent_memory_server.domain.distances import Distances, Vector, joined
from agent_memory_server.domain.filters import EVERYTHING, Filter
from agent_memory_server.domain.fusion import WORD_DEPTH
from agent_memory_server.domain.keyword import Counted, Found, kept_terms
from agent_memory_server.domain.query import Mode, StoreQuery, Term
from agent_memory_server.domain.ranking import ARM_DEPTH
from agent_memory_server.domain.selection import DenseArm, InMemory

_OWED = "@owed_:{1}"
_UNREAD = 1 << 40
"""Numbers from here on belong to records that were counted and not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of all records that match, read or not. records: how many there are; worded: that hold one of the terms that
    decide; owing: that have no vector; held: that hold every required term; near: of at most the distance asked for."""

    records: int
    worded: int = 0
    owing: int = 0
    held: int = 0
    near: int = 0


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
    """`Selection` of which only candidates were read. frequencies: in how many of the places' records each term
    stands. Records that were not read are numbers of no row."""

    counts: Counts = field(default_factory=lambda: Counts(records=0))
    frequencies: Mapping[Term, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """See `Selection`."""
        return self.counts.records

    def dense(self, query: Vector, among: Rids | None = None) -> DenseArm:
        """See `Selection`."""
        return _Near(InMemory(self.block.distances(query, among)), self.counts.near)

    def keyword(self, terms: Sequence[Term], wanted: int, among: Rids | None = None) -> Found:
        """See `Selection`."""
        frequencies = [self.frequencies.get(term, 0) for term in terms]
        found = self.block.keyword(self.figures, terms, among, wanted, frequencies=frequencies)
        return found if among is not None else replace(found, total=max(self.counts.worded, found.total))

    def holding(self, terms: Sequence[Term]) -> Rids:
        """See `Selection`."""
        read = np.sort(self.block.keyword(self.figures, terms, None, len(self.block.rids)).arm.keys)
        return np.concatenate([read, _UNREAD + np.arange(max(self.counts.held - len(read), 0))])

    def owed(self) -> Rids:
        """See `Selection`."""
        read = self.block.owed()
        return np.concatenate([read, 2 * _UNREAD + np.arange(max(self.counts.owing - len(read), 0))])

    def beside(self, rids: Rids, among: Rids | None = None) -> Rids:  # noqa: ARG002 - the port leaves this to engines
        """See `Selection`."""
        return np.empty(0, np.int64)


class Gatherer:
    """Gathers candidates. at_once: records that are read at a time."""

    def __init__(self, index: Index, arms: IndexArms, reader: RowReader, *, dimensions: int, at_once: int) -> None:
        self._index = index
        self._arms = arms
        self._reader = reader
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
        records = await self._index.count(everything)
        frequencies = {term: await self._holding(everything, [term]) for term in query.terms}
        required = [term for term in query.terms if term.required]
        kept = kept_terms(query.terms, [frequencies[term] for term in query.terms], records)
        if ids is None and required and query.mode is not Mode.SEMANTIC:
            held = holding(matching, required, every=True)
            ids = await self._index.every(held) if held else []
        if ids is not None:
            sieve = _Sieve(query, frequencies, records)
            for start in range(0, len(ids), self._at_once):
                rows = await self._reader.read(ids[start : start + self._at_once])
                sieve.take(_block(where, rows.values(), self._dimensions).state, rows)
            rows, counts = sieve.kept, sieve.counts
        else:
            deciding = kept.terms if kept else ()
            counts = await self._counts(matching, query, deciding)
            rows = await self._reader.read(await self._candidates(matching, query, deciding))
        state = _block(where, rows.values(), self._dimensions).state
        mean = state.figures.words / max(state.figures.records, 1)
        figures = Counted(records, round(mean * records))
        return state, Gathered(state.view, state.turns, None, figures, counts, frequencies)

    async def _counts(self, matching: IndexQuery, query: StoreQuery, deciding: Sequence[Term]) -> Counts:
        near = 0
        if query.within is not None and query.vector is not None:
            near = await self._index.count(await self._arms.within(matching, query.vector, query.within))
        return Counts(
            records=await self._index.count(matching),
            worded=await self._holding(matching, deciding),
            owing=await self._index.count(_also(matching, _OWED)),
            near=near,
        )

    async def _candidates(self, matching: IndexQuery, query: StoreQuery, deciding: Sequence[Term]) -> Sequence[str]:
        depth = query.offset + query.limit
        ids: list[str] = []
        if query.vector is not None:
            ids += await self._arms.nearest(matching, query.vector, max(depth, ARM_DEPTH))
        owed = _also(matching, _OWED)
        for among in (owed,) if query.mode is Mode.SEMANTIC else (matching, owed):
            asked = holding(among, deciding)
            if asked is not None:
                ids += await self._arms.holding(asked, max(depth, WORD_DEPTH))
        return ids

    async def _holding(self, query: IndexQuery, terms: Sequence[Term]) -> int:
        asked = holding(query, terms)
        return 0 if asked is None else await self._index.count(asked)


class _Sieve:
    """Keeps of any number of records those that a search may rank high, and counts all."""

    def __init__(self, query: StoreQuery, frequencies: Mapping[Term, int], records: int) -> None:
        self._query = query
        self._required = [term for term in query.terms if term.required and query.mode is not Mode.SEMANTIC]
        self._frequencies = frequencies
        self._records = records
        self._depth = max(query.offset + query.limit, WORD_DEPTH)
        self.kept: dict[str, Row] = {}
        self.counts = Counts(records=0)

    def take(self, state: BlockState, rows: Mapping[str, Row]) -> None:
        """Look at further records."""
        view, query, counts = state.view, self._query, self.counts
        figures = Counted(self._records, round(state.figures.words / max(len(rows), 1) * self._records))
        allowed = None
        if self._required:
            allowed = np.sort(view.keyword(figures, self._required, None, len(rows)).arm.keys)
        known = [self._frequencies.get(term, 0) for term in query.terms]
        found = view.keyword(figures, query.terms, allowed, self._depth, known)
        owed = view.owed()
        unseen = view.keyword(figures, query.terms, owed, self._depth, known)
        best = [found.arm.keys, unseen.arm.keys]
        near = 0
        if query.vector is not None:
            distances = view.distances(query.vector, allowed)
            best.append(distances.best(self._depth).rids)
            near = len(distances.within(query.within).rids) if query.within is not None else 0
        for id_ in state.ids(np.unique(np.concatenate(best))):
            self.kept[id_] = rows[id_]
        self.counts = Counts(
            records=counts.records + len(rows),
            worded=counts.worded + found.total,
            owing=counts.owing + len(owed),
            held=counts.held + (0 if allowed is None else len(allowed)),
            near=counts.near + near,
        )


def _block(where: Places, rows: Iterable[Row], dimensions: int) -> Block:
    block = Block(where, dimensions, whole_bytes=2**63)
    block.fill(rows)
    return block


def _also(query: IndexQuery, condition: str) -> IndexQuery:
    return replace(query, text=f"{query.text} {condition}".replace("* @", "@"))
