"""Cosine distances of records to one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Rids, members

Vector = NDArray[np.float32]
"""Of a query: unit length, shape (dimensions,)."""


@dataclass(frozen=True, slots=True)
class Distances:
    """Cosine distances (0 … 2) of records, both of shape (n,)."""

    rids: Rids
    values: NDArray[np.float32]

    def best(self, wanted: int) -> Distances:
        """The nearest `wanted` in order; equal ones by record number."""
        rids, values = self.rids, self.values
        if 0 < wanted < len(values):
            bound = np.partition(values, wanted - 1)[wanted - 1]
            near = np.flatnonzero(values <= bound)
            rids, values = rids[near], values[near]
        order = np.lexsort((rids, values))[:wanted]
        return Distances(rids[order], values[order])

    def aligned(self, rids: Rids) -> NDArray[np.float64]:
        """Of each of these records, NaN where it is not among them; shape (len(rids),)."""
        found = np.full(len(rids), np.nan)
        order = np.argsort(self.rids, kind="stable")
        known = self.rids[order]
        there = members(rids, known)
        found[there] = self.values[order[np.searchsorted(known, rids[there])]]
        return found

    def within(self, bound: float) -> Distances:
        """Those of at most this distance."""
        near = self.values <= bound
        return Distances(self.rids[near], self.values[near])


NOTHING = Distances(np.empty(0, np.int64), np.empty(0, np.float32))


def joined(parts: Sequence[Distances]) -> Distances:
    """Several together."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NOTHING
    return Distances(np.concatenate([part.rids for part in parts]), np.concatenate([part.values for part in parts]))


def cosine_distances(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 - product, kept within 0 … 2 where rounding leaves it. vectors: (n, dimensions), unit rows.

    Row by row: equal vectors get equal distances, and no pool of BLAS threads competes with the readers.
    """
    distances: NDArray[np.float32] = np.minimum(np.maximum(np.float32(1.0) - np.vecdot(vectors, query), 0.0), 2.0)
    return distances
