"""What one search looks at: the records that scope and filter leave, and the way to each arm over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite import dense, fulltext, keyword
from agent_memory_server.adapters.sqlite.blocks import BlockCache, BlockView
from agent_memory_server.adapters.sqlite.exact import distances_of
from agent_memory_server.adapters.sqlite.ranges import Rids, inside
from agent_memory_server.adapters.sqlite.scopes import Selected
from agent_memory_server.adapters.sqlite.sketch import SketchCache
from agent_memory_server.domain.query import Term

_ANY_OWED = "SELECT 1 FROM memories WHERE embedded = 0 LIMIT 1"
_OWED = "SELECT rid FROM memories WHERE embedded = 0 AND rid BETWEEN ? AND ?"


@dataclass(frozen=True, slots=True)
class Caches:
    """What searches share. few: so many records that a filter leaves of a wide selection are read one by one."""

    dimensions: int
    block_bytes: int
    few: int
    blocks: BlockCache
    sketches: SketchCache
    frequencies: fulltext.Frequencies


@dataclass(frozen=True, slots=True)
class Selection:
    """One search's records. allowed: those that satisfy the filter, ascending, None when all do; block: all records
    of the ranges in memory, None when they are too many; seq: the commit that the search sees; most: candidates of a
    wide search, beyond which it raises NotAtOnce."""

    connection: apsw.Connection
    caches: Caches
    selected: Selected
    allowed: Rids | None
    block: BlockView | None
    seq: int
    most: int | None = None

    @property
    def records(self) -> int:
        """How many records it has."""
        return self.selected.records if self.allowed is None else len(self.allowed)

    def dense(self, query: NDArray[np.float32], among: Rids | None = None) -> dense.DenseArm:
        """The dense arm. among: only these of the records, ascending. Raises: Lagging."""
        allowed = self.allowed if among is None else among
        if self.block is not None:
            return dense.from_block(self.block, query, allowed)
        if allowed is not None and len(allowed) <= self.caches.few:
            return dense.InMemory(distances_of(self.connection, allowed, query))
        sketch = self.caches.sketches.get(self.connection, self.seq)
        return dense.from_file(self.connection, sketch, self.selected.ranges, query, allowed, most=self.most)

    def keyword(self, terms: Sequence[Term], wanted: int, among: Rids | None = None) -> keyword.Found:
        """The keyword arm's best `wanted`. among: only these of the records, ascending."""
        if not terms:
            return keyword.NOTHING
        allowed = self.allowed if among is None else among
        if self.block is not None:
            return keyword.in_block(self.block, self.selected, terms, allowed, wanted)
        frequencies = [self._frequency(term) for term in terms]
        if allowed is not None and len(allowed) <= self.caches.few:
            return keyword.among_few(self.connection, self.selected, terms, allowed, wanted, frequencies)
        return keyword.in_index(self.connection, self.selected, terms, allowed, wanted, frequencies)

    def _frequency(self, term: Term) -> int:
        whole = self.selected.scopes is None
        return self.caches.frequencies.of(self.connection, term, self.selected.ranges, whole=whole, seq=self.seq)

    def holding(self, terms: Sequence[Term]) -> Rids:
        """The records that hold every one of the terms, ascending."""
        if self.block is not None:
            everything = self.records
            found = keyword.in_block(self.block, self.selected, terms, self.allowed, everything).arm.keys
            return np.sort(found)
        rids = fulltext.matching(self.connection, fulltext.expression(terms), self.selected.ranges)
        return rids if self.allowed is None else np.intersect1d(rids, self.allowed, assume_unique=True)

    def store_owes(self) -> bool:
        """Whether any record of the whole store has no vector; one look-up."""
        return self.connection.execute(_ANY_OWED).fetchone() is not None

    def owed(self) -> Rids:
        """The records without a vector, ascending. Costs one look-up where there are none in the whole store."""
        if not self.store_owes():
            return np.empty(0, np.int64)
        found = [row[0] for bounds in self.selected.ranges for row in self.connection.execute(_OWED, bounds)]
        rids = np.array(found, np.int64)
        rids = rids[inside(rids, self.selected.ranges)]
        return rids if self.allowed is None else np.intersect1d(rids, self.allowed, assume_unique=True)
