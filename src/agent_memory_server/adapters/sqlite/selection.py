"""A selection too wide for a block, and what searches share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite import dense, fulltext, keyword
from agent_memory_server.adapters.sqlite.blocks import BlockCache, BlockState
from agent_memory_server.adapters.sqlite.exact import distances_of
from agent_memory_server.adapters.sqlite.fetch import fetch_for
from agent_memory_server.adapters.sqlite.ranges import inside
from agent_memory_server.adapters.sqlite.scopes import Selected
from agent_memory_server.adapters.sqlite.sketch import SketchCache, SketchView
from agent_memory_server.adapters.sqlite.turn_rows import beside
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.block import words_fit
from agent_memory_server.domain.distances import Vector
from agent_memory_server.domain.keyword import NOTHING, Found
from agent_memory_server.domain.material import lent_words
from agent_memory_server.domain.query import Period, Term
from agent_memory_server.domain.selection import DenseArm, InMemory, Lent
from agent_memory_server.domain.told import Told
from agent_memory_server.domain.turns import Around, pooled_similarities

_ANY_OWED = "SELECT 1 FROM memories WHERE embedded = 0 LIMIT 1"
_OWED = "SELECT rid FROM memories WHERE embedded = 0 AND rid BETWEEN ? AND ?"
_VECTORS = "SELECT v.rid, v.v FROM carray(?) a CROSS JOIN vecs v ON v.rid = a.value"


@dataclass(frozen=True, slots=True)
class Caches:
    """What searches share. few: so many records that a filter leaves of a wide selection are read one by one; the
    others: see `SearchSettings`."""

    dimensions: int
    block_bytes: int
    words_bytes: int
    few: int
    blocks: BlockCache
    sketches: SketchCache
    frequencies: fulltext.Frequencies


@dataclass(slots=True)
class WideSelection:
    """`Selection` over the file. allowed: records that satisfy the filter, ascending, None when all do; seq: the commit
    that the search sees; sketch: as of that commit, None: to be fetched; most: candidates of the dense arm, beyond
    which it raises NotAtOnce; owes: False where every record of the store is known to have its vector.
    Raises: Lagging."""

    connection: apsw.Connection
    caches: Caches
    selected: Selected
    allowed: Rids | None
    seq: int
    sketch: SketchView | None = None
    most: int | None = None
    owes: bool = True
    _words: BlockState | None = None
    """The words of all records of the ranges, once this search has looked at them in memory."""

    @property
    def records(self) -> int:
        """See `Selection`."""
        return self.selected.records if self.allowed is None else len(self.allowed)

    def dense(self, query: Vector, among: Rids | None = None) -> DenseArm:
        """See `Selection`."""
        allowed = self.allowed if among is None else among
        if allowed is not None and len(allowed) <= self.caches.few:
            return InMemory(distances_of(self.connection, allowed, query))
        sketch = self.sketch or self.caches.sketches.get(self.connection, self.seq)
        return dense.from_file(self.connection, sketch, self.selected.ranges, query, allowed, most=self.most)

    def keyword(self, terms: Sequence[Term], wanted: int, among: Rids | None = None) -> Found:
        """See `Selection`."""
        if not terms:
            return NOTHING
        allowed = self.allowed if among is None else among
        few = allowed is not None and len(allowed) <= self.caches.few
        if not few and (words := self._in_memory()) is not None:
            return words.view.keyword(self.selected, terms, allowed, wanted)
        frequencies = [self._frequency(term) for term in terms]
        if allowed is not None and few:
            return keyword.among_few(self.connection, self.selected, terms, allowed, wanted, frequencies)
        return keyword.in_index(self.connection, self.selected, terms, allowed, wanted, frequencies)

    def _in_memory(self) -> BlockState | None:
        """The words of all records of the ranges, where they are not too many to keep."""
        if self._words is None and words_fit(self.selected.words, self.caches.words_bytes):
            self._words = self.caches.blocks.words(self.connection, self.selected.ranges, self.seq)
        return self._words

    def _frequency(self, term: Term) -> int:
        whole = self.selected.scopes is None
        return self.caches.frequencies.of(self.connection, term, self.selected.ranges, whole=whole, seq=self.seq)

    def holding(self, terms: Sequence[Term]) -> Rids:
        """See `Selection`."""
        if (words := self._in_memory()) is not None:
            return np.sort(words.view.keyword(self.selected, terms, self.allowed, self.records).arm.keys)
        rids = fulltext.matching(self.connection, fulltext.expression(terms), self.selected.ranges)
        return rids if self.allowed is None else np.intersect1d(rids, self.allowed, assume_unique=True)

    def owed(self) -> Rids:
        """See `Selection`. Costs one look-up where there are none in the whole store."""
        if not self.owes or not store_owes(self.connection):
            return np.empty(0, np.int64)
        found = [row[0] for bounds in self.selected.ranges for row in self.connection.execute(_OWED, bounds)]
        rids = np.array(found, np.int64)
        rids = rids[inside(rids, self.selected.ranges)]
        return rids if self.allowed is None else np.intersect1d(rids, self.allowed, assume_unique=True)

    def beside(self, rids: Rids, among: Rids | None = None) -> Rids:  # noqa: ARG002 - not told over a file
        """See `Selection`."""
        return np.empty(0, np.int64)

    def dated(self, periods: Sequence[Period], among: Rids | None = None) -> Rids:  # noqa: ARG002 - nor this
        """See `Selection`."""
        return np.empty(0, np.int64)

    def lent(self, rids: Rids, words: Found, vector: Vector | None) -> Lent:
        """See `Selection`."""
        if self._words is not None and words.occurrences:
            return self._lent_in_memory(self._words, rids, words, vector)
        known = beside(self.connection, rids)
        _, rows = keyword.stored_words(self.connection, known.rids)
        found = [rows.occurrences(term) for term in words.terms]
        scores = lent_words(self.selected, words, found, rows, known.rows, known.beside)
        if vector is None:
            return Lent(scores, np.full(len(rids), np.nan), known.told)
        return self._with_vectors(scores, known.told, known.rids, known.rows, known.beside[:, :2], vector)

    def _lent_in_memory(self, state: BlockState, rids: Rids, words: Found, vector: Vector | None) -> Lent:
        order = np.argsort(rids, kind="stable")
        at = np.empty(len(rids), np.int64)
        at[order] = state.view.rows_of(rids[order])
        near, told = state.turns_of(self.connection, at)
        scores = lent_words(self.selected, words, words.occurrences, state.view.words, at, near)
        if vector is None:
            return Lent(scores, np.full(len(rids), np.nan), told)
        beside_it = near[:, :2]
        every = np.unique(np.concatenate([rids, state.view.rids[beside_it[beside_it >= 0]]]))
        sides = np.where(beside_it >= 0, np.searchsorted(every, state.view.rids[beside_it]), -1)
        return self._with_vectors(scores, told, every, np.searchsorted(every, rids), sides, vector)

    def _with_vectors(
        self,
        scores: NDArray[np.float64],
        told: Told,
        every: Rids,
        rows: NDArray[np.int64],
        sides: NDArray[np.int64],
        vector: Vector,
    ) -> Lent:
        """What records have with their neighbours. every: all of them, ascending; rows: where the records stand there;
        sides: where the turns directly before and behind each do, -1 for none."""
        stored = fetch_for(self.connection, _VECTORS, every)
        vectors = np.zeros((len(every), len(vector)), np.float32)
        at = np.searchsorted(every, np.array([row[0] for row in stored], np.int64))
        vectors[at] = np.frombuffer(b"".join([row[1] for row in stored]), "<f4").reshape(len(stored), len(vector))
        beside_it = np.full((len(every), 4), -1, np.int64)
        beside_it[rows, :2] = sides
        pooled = pooled_similarities(vectors, rows, Around(beside_it), vector)
        return Lent(scores, pooled, told, lambda some: vectors[rows[some]])


def store_owes(connection: apsw.Connection) -> bool:
    """Whether any record of the whole store has no vector; one look-up."""
    return connection.execute(_ANY_OWED).fetchone() is not None
