"""The dense arm of a block too large to compare whole: sign bits choose candidates, the vectors decide.

A pass over the vectors of 50,000 records takes 7 ms, most of it waiting for memory; one over their sign bits, 32 times
smaller, a third of a millisecond. How many candidates are compared follows from the data (`domain.calibration`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Growing, Rids
from agent_memory_server.domain.block import BlockView
from agent_memory_server.domain.calibration import FEWEST, REFINED_SCALE, SAMPLE, Calibration, fit_pairs
from agent_memory_server.domain.distances import Distances, Vector, cosine_distances, joined
from agent_memory_server.domain.hamming import hamming, nearest_count, refined
from agent_memory_server.domain.signs import Columns, as_columns, query_planes, query_signs

_FEW = 3_000
"""Rows of a filter that are compared without asking the signs first."""

_DEEPEST = 1_000
_DEVIATIONS = 2.6
"""Of both estimates, in the rule for candidates. Over 50,000 sentences of few templates, the hardest of our data, a
recall@10 of 0.999."""

_COARSE_LEAST = 400
_COARSE_SHARE = 0.002
_DOUBLED = 2


@dataclass(frozen=True, slots=True)
class SignsView:
    """columns (words, n): sign bits of n rows; calibration: None where too few rows have a vector to tell."""

    columns: Columns
    calibration: Calibration | None


class SignTable:
    """Sign bits of a block's rows; grows with it, from when the block is wide."""

    def __init__(self, dimensions: int) -> None:
        self._columns = Growing(np.empty((-(-dimensions // 64), 0), np.uint64))
        self._calibration: Calibration | None = None
        self._calibrated = 0

    @property
    def nbytes(self) -> int:
        """Bytes of memory it takes."""
        return self._columns.nbytes

    def view(self, vectors: NDArray[np.float32]) -> SignsView:
        """Of all these rows, which begin with those it has."""
        done = self._columns.view.shape[1]
        if done < len(vectors):
            self._columns.extend(as_columns(np.packbits(vectors[done:] > 0, axis=1)))
        if len(vectors) >= _DOUBLED * self._calibrated:
            self._calibration, self._calibrated = _calibrated(vectors), len(vectors)
        return SignsView(self._columns.view, self._calibration)


def _calibrated(vectors: NDArray[np.float32]) -> Calibration | None:
    chance = np.random.default_rng(0)  # the same records give the same rankings
    sample = vectors[np.sort(chance.choice(len(vectors), min(SAMPLE, len(vectors)), replace=False))]
    sample = sample[sample.any(axis=1)]
    return fit_pairs(sample, chance) if len(sample) >= FEWEST else None


@dataclass(frozen=True, slots=True)
class BySigns:
    """`DenseArm` over the rows of a wide block (of `rows`, where given: any of those alive that have a vector)."""

    block: BlockView
    signs: SignsView
    calibration: Calibration
    query: Vector
    rows: NDArray[np.int64] | None

    def best(self, wanted: int, sure: int) -> Distances:
        """See `DenseArm`."""
        if wanted > _DEEPEST:
            return self._everything().best(wanted)
        columns = self.signs.columns if self.rows is None else self.signs.columns[:, self.rows]
        bits = hamming(columns, query_signs(self.query))
        gone = len(self.query) + 1
        if self.rows is None and self.block.dense is not None:
            bits[~self.block.dense] = gone
        least = max(_COARSE_LEAST, 4 * wanted, int(_COARSE_SHARE * len(bits)))
        reach = min(nearest_count(bits, least), gone - 1)
        near = self._exact(np.flatnonzero(bits <= reach))
        angle = _angle(near, sure)
        farther = int(min(self.calibration.coarse.reach(angle, _DEVIATIONS), gone - 1))
        if farther > reach:
            at = np.flatnonzero((bits > reach) & (bits <= farther))
            finer = refined(columns[:, at], query_planes(self.query), bits[at]) / REFINED_SCALE
            near = joined([near, self._exact(at[finer <= self.calibration.fine.reach(angle, _DEVIATIONS)])])
        return near.best(wanted)

    def within(self, bound: float) -> Distances:
        """See `DenseArm`."""
        return self._everything().within(bound)

    def of(self, rids: Rids) -> Distances:
        """See `DenseArm`."""
        rows = self.block.rows_of(np.sort(rids))
        return self._compared(rows if self.block.dense is None else rows[self.block.dense[rows]])

    def _everything(self) -> Distances:
        return self.block.distances(self.query) if self.rows is None else self._compared(self.rows)

    def _exact(self, at: NDArray[np.int64]) -> Distances:
        return self._compared(at if self.rows is None else self.rows[at])

    def _compared(self, rows: NDArray[np.int64]) -> Distances:
        return Distances(self.block.rids[rows], cosine_distances(self.block.vectors[rows], self.query))


def _angle(found: Distances, sure: int) -> float:
    """Within which records lie that are nearer than the last of the best `sure` found; π where fewer are found."""
    if len(found.values) < sure:
        return math.pi
    last = float(np.partition(found.values, sure - 1)[sure - 1])
    return float(np.arccos(np.clip(1.0 - last, -1.0, 1.0)))


def by_signs(block: BlockView, signs: SignsView, query: Vector, allowed: Rids | None) -> BySigns | None:
    """The dense arm of a wide block; None where comparing everything is as good."""
    if signs.calibration is None:
        return None
    if allowed is None:
        return BySigns(block, signs, signs.calibration, query, None)
    rows = block.rows_of(allowed)
    if block.dense is not None:
        rows = rows[block.dense[rows]]
    return BySigns(block, signs, signs.calibration, query, rows) if len(rows) > _FEW else None
