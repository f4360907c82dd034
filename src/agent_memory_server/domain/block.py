"""A block: the vectors and words of a selection of records in memory, searched exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Rids, find
from agent_memory_server.domain.distances import Distances, Vector, cosine_distances
from agent_memory_server.domain.keyword import NOTHING, Figures, Found, kept_terms, ordered
from agent_memory_server.domain.material import lent_words
from agent_memory_server.domain.periods import closeness
from agent_memory_server.domain.query import Period, Term
from agent_memory_server.domain.selection import DenseArm, InMemory, Lent
from agent_memory_server.domain.told import Told
from agent_memory_server.domain.turns import Around, pooled_similarities
from agent_memory_server.domain.word_rows import WordRows

Turns = Callable[[], tuple[Around, Told]]
"""Who stands beside whom among the rows of a block, and what each tells (`told.ToldRows`)."""


_BYTES_PER_WORD = 8


def fits(records: int, words: int, dimensions: int, max_bytes: int) -> bool:
    """Whether a selection of this size is kept as a block: neither vectors nor words take more than `max_bytes`."""
    return records * dimensions * 4 <= max_bytes and words_fit(words, max_bytes)


def words_fit(words: int, max_bytes: int) -> bool:
    """Whether the words alone of a selection are kept: they take no more than `max_bytes`."""
    return words * _BYTES_PER_WORD <= max_bytes


class BlockView:
    """One state of a block. Rows are in no order; a row of a deleted or replaced record stays, not alive.

    rids (n,); vectors (n, dimensions), zero where a record has none; words: of the n rows.
    live: which rows are records, None when all are; dense: which of them have a vector, None when all rows have.
    """

    __slots__ = ("dense", "live", "rids", "sorter", "vectors", "words")

    def __init__(
        self, rids: Rids, vectors: NDArray[np.float32], words: WordRows, live: NDArray[np.bool_],
        embedded: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        self.rids = rids
        self.vectors = vectors
        self.words = words
        self.live = None if live.all() else live
        dense = live & embedded
        self.dense = None if dense.all() else dense
        ascending = len(rids) < 2 or bool((rids[1:] > rids[:-1]).all())
        self.sorter = None if ascending else np.argsort(rids, kind="stable")

    @property
    def records(self) -> int:
        """Records alive."""
        return len(self.rids) if self.live is None else int(np.count_nonzero(self.live))

    def rows_of(self, rids: Rids) -> NDArray[np.int64]:
        """Rows of those of `rids` (ascending) that are alive here."""
        if self.sorter is None:
            rows = find(self.rids, rids)
            return rows if self.live is None else rows[self.live[rows]]
        # A replaced record has a dead row with the same number: only live rows are looked up.
        order = self.sorter if self.live is None else self.sorter[self.live[self.sorter]]
        return order[find(self.rids[order], rids)]

    def owed(self) -> Rids:
        """The records alive that have no vector, ascending."""
        if self.dense is None:
            return np.empty(0, np.int64)
        return np.sort(self.rids[~self.dense if self.live is None else self.live & ~self.dense])

    def distances(self, query: Vector, allowed: Rids | None = None) -> Distances:
        """Of its records (of `allowed`, ascending) that have a vector."""
        if allowed is not None:
            rows = self.rows_of(allowed)
            if self.dense is not None:
                rows = rows[self.dense[rows]]
            if len(rows) * 4 < len(self.rids):
                return Distances(self.rids[rows], cosine_distances(self.vectors[rows], query))
            return Distances(self.rids[rows], cosine_distances(self.vectors, query)[rows])
        distances = cosine_distances(self.vectors, query)
        if self.dense is None:
            return Distances(self.rids, distances)
        return Distances(self.rids[self.dense], distances[self.dense])

    def keyword(
        self, figures: Figures, terms: Sequence[Term], allowed: Rids | None, wanted: int,
        frequencies: Sequence[int] | None = None,
    ) -> Found:  # fmt: skip
        """The keyword arm over its records (and of `allowed`, ascending): every match is scored.

        frequencies: of each term in the places searched, where the block has not all of their records.
        """
        found = [self.words.occurrences(term) for term in terms]
        if self.live is not None:
            live = self.live
            found = [one.kept(live[one.rows]) for one in found]
        if frequencies is None:
            frequencies = [len(one.rows) for one in found]
        kept = kept_terms(terms, frequencies, figures.records)
        if kept is None:
            return NOTHING
        found = [one for term, one in zip(terms, found, strict=True) if term in kept.weighed]
        rows = kept.holding(found)
        if allowed is not None:
            rows = np.intersect1d(rows, self.rows_of(allowed), assume_unique=True)
        if not len(rows):
            return NOTHING
        scores = kept.score(self.words, found, rows, figures)
        arm = ordered(self.rids[rows], scores, wanted)
        return Found(arm, len(rows), kept.weighed, kept.frequencies, tuple(found), kept.asked)


@dataclass(frozen=True, slots=True)
class BlockSelection:
    """`Selection` over a block that holds all records of the places searched.

    allowed: those that satisfy the filter, ascending, None when all do; figures: of the places; turns: of the block,
    asked for by a search by words only.
    """

    block: BlockView
    turns: Turns
    allowed: Rids | None
    figures: Figures

    @property
    def records(self) -> int:
        """See `Selection`."""
        return self.figures.records if self.allowed is None else len(self.allowed)

    def _within(self, among: Rids | None) -> Rids | None:
        return self.allowed if among is None else among

    def dense(self, query: Vector, among: Rids | None = None) -> DenseArm:
        """See `Selection`."""
        return InMemory(self.block.distances(query, self._within(among)))

    def keyword(self, terms: Sequence[Term], wanted: int, among: Rids | None = None) -> Found:
        """See `Selection`."""
        return self.block.keyword(self.figures, terms, self._within(among), wanted) if terms else NOTHING

    def holding(self, terms: Sequence[Term]) -> Rids:
        """See `Selection`."""
        return np.sort(self.keyword(terms, self.records).arm.keys)

    def owed(self) -> Rids:
        """See `Selection`."""
        owed = self.block.owed()
        return owed if self.allowed is None else np.intersect1d(owed, self.allowed, assume_unique=True)

    def beside(self, rids: Rids, among: Rids | None = None) -> Rids:
        """See `Selection`."""
        places, _ = self.turns()
        near = places.of(self.block.rows_of(rids))[:, :2]
        found = np.sort(self.block.rids[np.unique(near[near >= 0])])
        allowed = self._within(among)
        return found if allowed is None else np.intersect1d(found, allowed, assume_unique=True)

    def dated(self, periods: Sequence[Period], among: Rids | None = None) -> Rids:
        """See `Selection`."""
        _, told = self.turns()
        here = closeness(periods, told.created, told.events) > 0.0
        if self.block.live is not None:
            here &= self.block.live
        found = np.sort(self.block.rids[here])
        allowed = self._within(among)
        return found if allowed is None else np.intersect1d(found, allowed, assume_unique=True)

    def lent(self, rids: Rids, words: Found, vector: Vector | None) -> Lent:
        """See `Selection`."""
        block = self.block
        order = np.argsort(rids, kind="stable")
        at = np.empty(len(rids), np.int64)
        at[order] = block.rows_of(rids[order])
        places, told = self.turns()
        near = places.of(at)
        scores = lent_words(self.figures, words, words.occurrences, block.words, at, near)
        if vector is None:
            return Lent(scores, np.full(len(rids), np.nan), told.of(at))
        pooled = pooled_similarities(block.vectors, at, places, vector)
        return Lent(scores, pooled, told.of(at), lambda some: block.vectors[at[some]])
