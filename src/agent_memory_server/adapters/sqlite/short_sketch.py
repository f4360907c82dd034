"""The signs of a store's vectors along its main directions, beside a sketch with codes: what a scan looks at first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.codes import CodesView
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
    """One state: columns (4, n) by position of the sketch; outside: positions that no bits tell of, ascending."""

    directions: Directions
    columns: Columns
    outside: NDArray[np.int64]


class ShortSketch:
    """Grows as the sketch does."""

    def __init__(self, directions: Directions, columns: Columns, outside: NDArray[np.int64], fitted: int) -> None:
        self._directions, self._columns, self._outside = directions, Growing(columns), outside
        self._fitted = fitted

    @property
    def view(self) -> ShortView | None:
        """What it holds now; None where too many records lie outside."""
        if len(self._outside) > _MOST_OUTSIDE:
            return None
        return ShortView(self._directions, self._columns.view, self._outside)

    def extend(self, vectors: NDArray[np.float32]) -> None:
        """Put the vectors of further records behind."""
        before = self._columns.view.shape[1]
        columns, outside = self._directions.signs(vectors)
        self._columns.extend(columns)
        self._outside = np.concatenate([self._outside, before + np.flatnonzero(outside)])

    def taken(self, order: NDArray[np.int64]) -> ShortSketch | None:
        """Of these positions; None where there are so many more than there were that it is to be fitted anew."""
        if len(order) >= _GROWN * self._fitted:
            return None
        outside = np.flatnonzero(np.isin(order, self._outside))
        return ShortSketch(self._directions, self._columns.view[:, order], outside, self._fitted)


def short_sketch(codes: CodesView, rows: int, dimensions: int) -> ShortSketch | None:
    """Fitted to the vectors of all positions. None where it does not pay: few of them, or hardly more dimensions than
    directions. Takes a third of a second of processor time for 50,000 vectors of 384 dimensions, on one thread."""
    if rows < FEWEST or dimensions <= 2 * AXES:
        return None
    chance = np.random.default_rng(0)  # the same file gives the same rankings
    sample = chance.choice(rows, min(PAIR_SAMPLE + FIT_SAMPLE, rows), replace=False)
    directions = directions_of(codes.vectors(sample), chance)
    pages = [np.arange(start, min(start + _PAGE_ROWS, rows)) for start in range(0, rows, _PAGE_ROWS)]
    signs = [directions.signs(codes.vectors(page)) for page in pages]
    outside = np.flatnonzero(np.concatenate([outside for _, outside in signs]))
    return ShortSketch(directions, np.concatenate([columns for columns, _ in signs], axis=1), outside, rows)
