"""What a ranking is made of: the records that one search looks at, as an engine gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Rids, members
from agent_memory_server.domain.distances import Distances, Vector
from agent_memory_server.domain.fusion import Vectors
from agent_memory_server.domain.keyword import Found
from agent_memory_server.domain.query import Period, Term
from agent_memory_server.domain.told import Told


class DenseArm(Protocol):
    """Distances of a selection's records to one query."""

    def best(self, wanted: int, sure: int) -> Distances:
        """The nearest `wanted` records in order (more may be given). Equal distances: by record number.

        sure: behind so many places a record may be missing, where that spares time.
        """
        ...

    def within(self, bound: float) -> Distances:
        """Every record of at most this distance, in no order."""
        ...

    def of(self, rids: Rids) -> Distances:
        """Of these records of the selection, where they have a vector."""
        ...


@dataclass(frozen=True, slots=True)
class InMemory:
    """Over a selection whose distances are all computed."""

    distances: Distances

    def best(self, wanted: int, sure: int) -> Distances:  # noqa: ARG002 - nothing is ever missing here
        """See `DenseArm`."""
        return self.distances.best(wanted)

    def within(self, bound: float) -> Distances:
        """See `DenseArm`."""
        return self.distances.within(bound)

    def of(self, rids: Rids) -> Distances:
        """See `DenseArm`."""
        here = members(self.distances.rids, np.sort(rids))
        return Distances(self.distances.rids[here], self.distances.values[here])


@dataclass(frozen=True, slots=True)
class Lent:
    """What some records have with what their neighbours lend them (`domain.turns`), in the order of the records.

    words: `fusion.word_scores`; pooled: `turns.pooled_similarities`, NaN everywhere where no vector was asked for;
    told: of these records; vectors: gives those of some of them, by their places here, zero where a record has none;
    None where no vector was asked for.
    """

    words: NDArray[np.float64]
    pooled: NDArray[np.float64]
    told: Told
    vectors: Vectors | None = None


class Selection(Protocol):
    """One search's records: those that scope and filter leave. among, in every call: only these of them, ascending."""

    @property
    def records(self) -> int:
        """How many records it has."""
        ...

    def dense(self, query: Vector, among: Rids | None = None) -> DenseArm:
        """The dense arm."""
        ...

    def keyword(self, terms: Sequence[Term], wanted: int, among: Rids | None = None) -> Found:
        """The keyword arm's best `wanted`, with the statistics of the whole places searched."""
        ...

    def holding(self, terms: Sequence[Term]) -> Rids:
        """The records that hold every one of the terms, which are all required; ascending."""
        ...

    def owed(self) -> Rids:
        """The records without a vector, ascending."""
        ...

    def beside(self, rids: Rids, among: Rids | None = None) -> Rids:
        """The turns directly beside some records (ascending) of it, ascending; none where it is too wide to tell."""
        ...

    def dated(self, periods: Sequence[Period], among: Rids | None = None) -> Rids:
        """The records of some periods (`periods.closeness` > 0), ascending; none where it is too wide to tell."""
        ...

    def lent(self, rids: Rids, words: Found, vector: Vector | None) -> Lent:
        """What some records, in any order, have with their neighbours. words: of `keyword`, which was asked first."""
        ...
