"""The dense arm of a block too large to compare whole: sign bits choose candidates, a coarse copy of the vectors leaves
few of them, and the vectors decide.

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
from agent_memory_server.domain.distances import Distances, Vector, cosine_distances
from agent_memory_server.domain.hamming import hamming, nearest_count, refined
from agent_memory_server.domain.signs import Columns, as_columns, query_planes, query_signs

_FEW = 3_000
"""Rows of a filter that are compared without asking the signs first."""

_DEEPEST = 1_000
_DEVIATIONS = 2.6
"""Of both estimates, in the rule for candidates. Over 50,000 sentences of few templates, the hardest of our data, a
recall@10 of 0.999."""

_LEVELS = 127.0
_SLACK = 0.005
"""Of a distance from the codes. A component is rounded by half a step at most, and a step is 1/127 of the largest one;
for 384 random components that is 0.0006 in the standard deviation."""

_COARSE_LEAST = 400
_COARSE_SHARE = 0.002
_DOUBLED = 2


@dataclass(frozen=True, slots=True)
class SignsView:
    """Of n rows. columns (words, n): sign bits; codes (n, dimensions), scales (n,): vectors rounded to a byte for each
    component, and what to multiply them with; calibration: None where too few rows have a vector to tell."""

    columns: Columns
    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    calibration: Calibration | None

    def distances(self, rows: NDArray[np.int64], query: Vector) -> NDArray[np.float32]:
        """Cosine distances of some rows, each within SLACK of the exact one."""
        products: NDArray[np.float32] = np.vecdot(self.codes[rows].astype(np.float32), query) * self.scales[rows]
        return np.float32(1.0) - products


class SignTable:
    """Sign bits of a block's rows; grows with it, from when the block is wide."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._columns = Growing(np.empty((-(-dimensions // 64), 0), np.uint64))
        self._codes, self._scales = Growing(np.empty(0, np.int8)), Growing(np.empty(0, np.float32))
        self._calibration: Calibration | None = None
        self._calibrated = 0

    @property
    def nbytes(self) -> int:
        """Bytes of memory it takes."""
        return self._columns.nbytes + self._codes.nbytes + self._scales.nbytes

    def view(self, vectors: NDArray[np.float32]) -> SignsView:
        """Of all these rows, which begin with those it has."""
        done = self._columns.view.shape[1]
        if done < len(vectors):
            self._extend(vectors[done:])
        if len(vectors) >= _DOUBLED * self._calibrated:
            self._calibration, self._calibrated = _calibrated(vectors), len(vectors)
        codes = self._codes.view.reshape(-1, self._dimensions)
        return SignsView(self._columns.view, codes, self._scales.view, self._calibration)

    def _extend(self, vectors: NDArray[np.float32]) -> None:
        scales = (np.abs(vectors).max(axis=1) / _LEVELS).astype(np.float32)
        codes = np.rint(vectors / np.maximum(scales, np.finfo(np.float32).tiny)[:, None]).astype(np.int8)
        self._columns.extend(as_columns(np.packbits(vectors > 0, axis=1)))
        self._codes.extend(codes.reshape(-1))
        self._scales.extend(scales)


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
        at = np.flatnonzero(bits <= reach)
        coarse = self._coarse(at)
        angle = _angle(coarse, sure)
        farther = int(min(self.calibration.coarse.reach(angle, _DEVIATIONS), gone - 1))
        if farther > reach:
            more = np.flatnonzero((bits > reach) & (bits <= farther))
            finer = refined(columns[:, more], query_planes(self.query), bits[more]) / REFINED_SCALE
            more = more[finer <= self.calibration.fine.reach(angle, _DEVIATIONS)]
            at, coarse = np.concatenate([at, more]), np.concatenate([coarse, self._coarse(more)])
        if wanted < len(at):
            at = at[coarse <= np.partition(coarse, wanted - 1)[wanted - 1] + 2 * _SLACK]
        return self._compared(at if self.rows is None else self.rows[at]).best(wanted)

    def within(self, bound: float) -> Distances:
        """See `DenseArm`."""
        return self._everything().within(bound)

    def of(self, rids: Rids) -> Distances:
        """See `DenseArm`."""
        rows = self.block.rows_of(np.sort(rids))
        return self._compared(rows if self.block.dense is None else rows[self.block.dense[rows]])

    def _everything(self) -> Distances:
        return self.block.distances(self.query) if self.rows is None else self._compared(self.rows)

    def _coarse(self, at: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.signs.distances(at if self.rows is None else self.rows[at], self.query)

    def _compared(self, rows: NDArray[np.int64]) -> Distances:
        return Distances(self.block.rids[rows], cosine_distances(self.block.vectors[rows], self.query))


def _angle(distances: NDArray[np.float32], sure: int) -> float:
    """Within which records lie that are nearer than the last of the best `sure` found; π where fewer are found."""
    if len(distances) < sure:
        return math.pi
    last = float(np.partition(distances, sure - 1)[sure - 1])
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
