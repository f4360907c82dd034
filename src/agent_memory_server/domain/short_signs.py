"""Sign bits along the directions in which a store's vectors differ: as telling as one bit per dimension, and fewer.

What tells the texts of a store apart lies mostly in some hundred directions of their vectors. A vector less the mean is
projected on these, the projection is spread evenly over BITS random directions, and of each the sign is kept. The share
of differing bits is then the angle between two projections over π (Charikar, STOC 2002; signs of rotated principal
components: Gong & Lazebnik, CVPR 2011).

Records that lie outside of the directions are told apart, since their bits tell nothing. How a distance translates into
bits is computed for each query, with what is measured on pairs of the store's vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.distances import Vector
from agent_memory_server.domain.signs import Columns, as_columns

BITS = 252
"""Four words of 64; a byte counts them, and has room for more than all."""

AXES = 128
"""Directions kept: 0.94 of what differs in templated sentences by random words, 0.8 in sentences of conversations by a
MiniLM model."""

FIT_SAMPLE = 4_096
"""Vectors from which the directions come, or half of them, where there are fewer."""

PAIR_SAMPLE = 1_024
"""Others, on whose pairs it is measured how much the directions tell."""

FEWEST = 2 * PAIR_SAMPLE
"""With fewer vectors than this there are no directions."""

_ROUNDS = 3
_SPARE_AXES = 16
_QUERIES = 96
_NEAREST = 24
_LONG = 0.9
"""Quantile of the lengths of projections that stands for all: longer ones may be missed a little more often."""

_OUTSIDE = 2.5
"""Times the typical share of a vector that is lost: one that loses more lies outside."""

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ShortQuery:
    """A query as it is compared. plane: its bits, shape (4,); the others: see `reach`."""

    plane: NDArray[np.uint64]
    projected: Vector
    """Shape (AXES,), to be multiplied with the projections of records."""
    mean: float
    """Its product with the mean."""
    length: float
    """Of its projection, times that of a record's."""
    expected: tuple[float, float]
    """Product of the projections, as offset and slope over the product of query and record less the mean."""
    deviation: float
    """Of that product."""

    def product(self, distance: float, deviations: float) -> float:
        """Product of the projections that records of at most this cosine distance have at least."""
        return self._product(distance) - deviations * self.deviation

    def _product(self, distance: float) -> float:
        offset, slope = self.expected
        return offset + slope * (1.0 - distance - self.mean)

    def reach(self, distance: float, deviations: float) -> int:
        """Bits within which records of at most this cosine distance lie, but for a share given by `deviations`."""
        cosine = min(max(self._product(distance) / self.length, -1.0), 1.0)
        differing = math.acos(cosine) / math.pi
        # Of an angle for that of its cosine; and of the share of bits that differ.
        angle = self.deviation / self.length / math.sqrt(max(1.0 - cosine * cosine, 1e-3))
        deviation = math.hypot(angle / math.pi, math.sqrt(differing * (1.0 - differing) / BITS))
        return min(int(BITS * (differing + deviations * deviation)), BITS)


@dataclass(frozen=True, slots=True)
class Directions:
    """mean (d,); axes (AXES, d), at right angles and of unit length; spread (BITS, AXES). length: of a long projection;
    lost: of what a typical vector has beside its projection; floor: share that is within of a vector (less the mean,
    squared) which does not lie outside; expected, deviation: see `ShortQuery`, of queries that are like the records.
    mean_square, mean_projected: of the mean, which every query needs."""

    mean: Vector
    axes: Matrix
    spread: Matrix
    length: float
    lost: float
    floor: float
    expected: tuple[float, float]
    deviation: float
    mean_square: float
    mean_projected: Vector

    def signs(self, vectors: Matrix) -> tuple[Columns, Matrix, NDArray[np.bool_]]:
        """Bits of n vectors, shape (4, n); their projections, shape (n, AXES); and which of them lie outside."""
        centred = vectors - self.mean
        projected = _projected(centred, self.axes)
        whole = np.vecdot(centred, centred)
        outside = np.vecdot(projected, projected) < np.float32(self.floor) * whole
        return as_columns(np.packbits(_projected(projected, self.spread) > 0, axis=1)), projected, outside

    def query(self, vector: Vector) -> ShortQuery:
        """A query, compared without what it has of the mean: that is the same for all records."""
        mean = float(np.vecdot(vector, self.mean))
        along = mean / self.mean_square
        whole = np.vecdot(self.axes, vector)
        projected = whole - np.float32(along) * self.mean_projected
        within = float(np.vecdot(projected, projected))
        beside = max(float(np.vecdot(vector, vector)) - along * mean - within, 0.0)
        # What lies beside the directions is at a random angle to what the records have there.
        unrelated = math.sqrt(beside) * self.lost / math.sqrt(max(len(vector) - AXES, 1))
        return ShortQuery(
            plane=np.packbits(np.vecdot(self.spread, projected) > 0).view(np.uint64),
            projected=whole,
            mean=mean,
            length=max(self.length * math.sqrt(within), 1e-6),
            expected=self.expected,
            deviation=math.hypot(unrelated, self.deviation),
        )


def directions_of(vectors: Matrix, chance: np.random.Generator) -> Directions:
    """The directions of a sample in random order, shape (n, d), n ≥ FEWEST and d > 2 × AXES. For 5,120 vectors of 384
    dimensions it takes 0.1 s of processor time, on one thread."""
    fitted, others = vectors[PAIR_SAMPLE:], vectors[:PAIR_SAMPLE]
    mean: Vector = fitted.mean(axis=0)
    axes = _main_axes(fitted - mean, chance)
    spread = np.linalg.qr(chance.standard_normal((BITS, AXES)))[0].astype(np.float32)
    centred = others - mean
    projected = _projected(centred, axes)
    within, whole = np.vecdot(projected, projected), np.vecdot(centred, centred)
    lost = np.maximum(whole - within, 0.0)
    expected, deviation = _measured(others, centred, projected, axes, chance)
    return Directions(
        mean=mean,
        axes=axes,
        spread=spread,
        length=float(np.quantile(np.sqrt(within), _LONG)),
        lost=float(np.median(np.sqrt(lost))),
        floor=1.0 - _OUTSIDE * float(np.median(lost / np.maximum(whole, 1e-12))),
        expected=expected,
        deviation=deviation,
        mean_square=max(float(np.vecdot(mean, mean)), 1e-12),
        mean_projected=np.vecdot(axes, mean),
    )


def _main_axes(centred: Matrix, chance: np.random.Generator) -> Matrix:
    """The principal axes of the vectors, by a few rounds of subspace iteration.
    Source: Halko, Martinsson & Tropp, SIAM Review 2011, algorithm 4.4."""
    found = chance.standard_normal((centred.shape[1], AXES + _SPARE_AXES)).astype(np.float32)
    for _ in range(_ROUNDS):
        found = np.linalg.qr(centred.T @ (centred @ found))[0]
    _, _, turned = np.linalg.svd(centred @ found, full_matrices=False)
    return np.ascontiguousarray((found @ turned.T)[:, :AXES].T)


def _measured(
    vectors: Matrix, centred: Matrix, projected: Matrix, axes: Matrix, chance: np.random.Generator
) -> tuple[tuple[float, float], float]:
    """Of pairs of vectors, near ones and random ones: the product of the projections over their whole product."""
    whole, within = [], []
    for query in chance.choice(len(vectors), _QUERIES, replace=False):
        product = np.vecdot(centred, vectors[query])
        near = np.argsort(-product)[: _NEAREST + 1]
        pairs = np.concatenate([near, chance.choice(len(vectors), _NEAREST, replace=False)])
        pairs = pairs[pairs != query]
        whole.append(product[pairs])
        within.append(np.vecdot(projected[pairs], np.vecdot(axes, vectors[query])))
    x, y = np.concatenate(whole).astype(np.float64), np.concatenate(within).astype(np.float64)
    centre = x - x.mean()
    slope = float(centre @ y) / max(float(centre @ centre), 1e-12)
    offset = float(y.mean()) - slope * float(x.mean())
    return (offset, slope), float(np.std(y - offset - slope * x))


_FEW = 64
"""Up to so many rows a product goes without BLAS, which would wake its pool of threads for so little."""


def _projected(vectors: Matrix, axes: Matrix) -> Matrix:
    if len(vectors) <= _FEW:
        few: Matrix = np.vecdot(vectors[:, None], axes[None])
        return few
    found: Matrix = vectors @ axes.T
    return found
