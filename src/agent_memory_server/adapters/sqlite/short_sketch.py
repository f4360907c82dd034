"""The signs of a store's vectors along its main directions, beside a sketch with codes: what a scan looks at first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.codes import Codes, CodesView, quantised
from agent_memory_server.domain.arrays import Growing
from agent_memory_server.domain.short_signs import (
    AXES,
    FEWEST,
    FIT_SAMPLE,
    PAIR_SAMPLE,
    Directions,
    directions_of,
)
from agent_memory_server.domain.signs import Columns

_MOST_OUTSIDE = 1_024
"""Records outside of the directions, which every scan takes as candidates: with more of them it does not pay."""

_GROWN = 2
"""Times the records of the last fit, from which on the next compaction fits anew."""

_PAGE_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class ShortView:
    """One state: columns (4, n) and codes of the projections, by position of the sketch; outside: positions that these
    tell nothing of, ascending."""

    directions: Directions
    columns: Columns
    codes: CodesView
    outside: NDArray[np.int64]


class ShortSketch:
    """Grows as the sketch does. fitted: records that the directions were fitted to."""

    def __init__(
        self, directions: Directions, columns: Columns, codes: Codes, outside: NDArray[np.int64], fitted: int
    ) -> None:
        self._directions, self._columns, self._codes, self._outside = directions, Growing(columns), codes, outside
        self._fitted = fitted

    @property
    def view(self) -> ShortView | None:
        """What it holds now; None where too many records lie outside."""
        if len(self._outside) > _MOST_OUTSIDE:
            return None
        return ShortView(self._directions, self._columns.view, self._codes.view, self._outside)

    def extend(self, vectors: NDArray[np.float32]) -> None:
        """Put the vectors of further records behind."""
        before = self._columns.view.shape[1]
        columns, projected, outside = self._directions.signs(vectors)
        self._columns.extend(columns)
        self._codes.append(*quantised(projected))
        self._outside = np.concatenate([self._outside, before + np.flatnonzero(outside)])

    def taken(self, order: NDArray[np.int64]) -> ShortSketch | None:
        """Of these positions; None where there are so many more than there were that it is to be fitted anew."""
        if len(order) >= _GROWN * self._fitted:
            return None
        outside = np.flatnonzero(np.isin(order, self._outside))
        codes = Codes(*self._codes.view.taken(order))
        return ShortSketch(self._directions, self._columns.view[:, order], codes, outside, self._fitted)


def short_sketch(codes: CodesView, rows: int, dimensions: int) -> ShortSketch | None:
    """Fitted to the vectors of all positions. None where it does not pay: few of them, or hardly more dimensions than
    directions. Takes a third of a second of processor time for 50,000 vectors of 384 dimensions, on one thread."""
    if rows < FEWEST or dimensions <= 2 * AXES:
        return None
    chance = np.random.default_rng(0)  # the same file gives the same rankings
    sample = chance.choice(rows, min(PAIR_SAMPLE + FIT_SAMPLE, rows), replace=False)
    directions = directions_of(codes.vectors(sample), chance)
    no_codes = Codes(*quantised(np.empty((0, AXES), np.float32)))
    found = ShortSketch(directions, np.empty((4, 0), np.uint64), no_codes, np.empty(0, np.int64), rows)
    for start in range(0, rows, _PAGE_ROWS):
        found.extend(codes.vectors(np.arange(start, min(start + _PAGE_ROWS, rows))))
    return found
