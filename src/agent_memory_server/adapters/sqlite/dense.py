"""The dense arm over a selection too wide for a block: by the sketch, or exactly where that is needed."""

from __future__ import annotations

from dataclasses import dataclass

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.exact import distances_of, scan
from agent_memory_server.adapters.sqlite.nearest import NearestByBits
from agent_memory_server.adapters.sqlite.ranges import Ranges
from agent_memory_server.adapters.sqlite.sketch import SketchView
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.distances import NOTHING, Distances
from agent_memory_server.domain.selection import DenseArm, InMemory

DEEPEST = 1_000
"""Pages that end behind this place come from an exact scan: so far down nothing is selective any more."""

_DEPTHS = (10, 30, 100, DEEPEST)


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
