"""The dense arm: nearest vectors, exactly where that is cheap and by the sketch where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.blocks import BlockView
from agent_memory_server.adapters.sqlite.exact import NOTHING, Distances, cosine_distances, distances_of, scan
from agent_memory_server.adapters.sqlite.nearest import NearestByBits
from agent_memory_server.adapters.sqlite.ranges import Ranges, Rids
from agent_memory_server.adapters.sqlite.sketch import SketchView

DEEPEST = 1_000
"""Pages that end behind this place come from an exact scan: so far down nothing is selective any more."""

_DEPTHS = (10, 30, 100, DEEPEST)


Vector = NDArray[np.float32]
"""Of a query: unit length, shape (dimensions,)."""


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
        here = np.isin(self.distances.rids, rids)
        return Distances(self.distances.rids[here], self.distances.values[here])


@dataclass(frozen=True, slots=True)
class BySketch:
    """Over a wide selection."""

    connection: apsw.Connection
    nearest: NearestByBits
    ranges: Ranges
    allowed: Rids | None
    query: NDArray[np.float32]

    def best(self, wanted: int, sure: int) -> Distances:
        """See `DenseArm`. Depths are rounded up, so that neighbouring pages are slices of one ranking."""
        for depth in _DEPTHS:
            if sure <= depth and wanted <= DEEPEST:
                return self.nearest.best(max(depth, wanted), depth)
        return scan(self.connection, self.ranges, self.query, self.allowed).best(wanted)

    def within(self, bound: float) -> Distances:
        """See `DenseArm`."""
        return self.nearest.within(bound)

    def of(self, rids: Rids) -> Distances:
        """See `DenseArm`."""
        return distances_of(self.connection, rids, self.query)


def from_block(block: BlockView, query: NDArray[np.float32], allowed: Rids | None) -> DenseArm:
    """Over the records of a block (and of `allowed`, ascending)."""
    if allowed is not None:
        rows = block.rows_of(allowed)
        if block.dense is not None:
            rows = rows[block.dense[rows]]
        if len(rows) * 4 < len(block.rids):
            return InMemory(Distances(block.rids[rows], cosine_distances(block.vectors[rows], query)))
        return InMemory(Distances(block.rids[rows], cosine_distances(block.vectors, query)[rows]))
    distances = cosine_distances(block.vectors, query)
    if block.dense is None:
        return InMemory(Distances(block.rids, distances))
    return InMemory(Distances(block.rids[block.dense], distances[block.dense]))


def from_file(
    connection: apsw.Connection,
    sketch: SketchView,
    ranges: Ranges,
    query: NDArray[np.float32],
    allowed: Rids | None,
    *,
    most: int | None = None,
) -> DenseArm:
    """Over a selection too wide for a block. most: see `NearestByBits`."""
    if not len(sketch.rids):
        return InMemory(NOTHING)
    if sketch.calibration is None:
        return InMemory(scan(connection, ranges, query, allowed))
    parts = sketch.parts(ranges, allowed)
    if not parts:
        return InMemory(NOTHING)
    return BySketch(connection, NearestByBits(connection, sketch, parts, query, most), ranges, allowed, query)
