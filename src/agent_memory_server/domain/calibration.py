"""How well sign bits tell distances, measured on the stored vectors themselves.

A fixed number of candidates is too many for clustered data and too few for data without structure. So the
search turns the distance of the best records found so far into the Hamming distance within which any better one
lies, and this is where that relation comes from: a fit over pairs of stored vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.hamming import hamming, refined
from agent_memory_server.domain.signs import PLANES, as_columns, query_planes

_QUERIES = 96
_NEAREST = 24
SAMPLE = 2_048
"""Vectors that are enough to fit over."""

FEWEST = 64
"""With fewer vectors than this, the whole selection is searched exactly anyway."""

REFINED_SCALE = float((1 << PLANES) - 1)


@dataclass(frozen=True, slots=True)
class Fit:
    """bits = offset + slope × angle, with a deviation of `sigma` bits. angle: of two vectors, 0 … π."""

    offset: float
    slope: float
    sigma: float

    def reach(self, angle: float, deviations: float) -> float:
        """The bits that a record at this angle stays within, but for a share given by `deviations`."""
        return self.offset + self.slope * angle + deviations * self.sigma


@dataclass(frozen=True, slots=True)
class Calibration:
    """coarse: of the Hamming distance to the query's signs; fine: of the weighted distance to its bit planes over
    REFINED_SCALE. None where too few vectors are stored to tell."""

    coarse: Fit
    fine: Fit


def fit_pairs(vectors: NDArray[np.float32], chance: np.random.Generator) -> Calibration:
    """The relation over pairs of these vectors, shape (n, dimensions), n ≥ 2."""
    columns = as_columns(np.packbits(vectors > 0, axis=1))
    rows = len(vectors)
    angles, coarse, fine = [], [], []
    for query in chance.choice(rows, min(_QUERIES, rows), replace=False):
        angle = np.arccos(np.clip(np.vecdot(vectors, vectors[query]), -1.0, 1.0))
        angle[query] = np.pi
        near = np.argsort(angle)[:_NEAREST]
        pairs = np.concatenate([near, chance.choice(rows, min(_NEAREST, rows), replace=False)])
        pairs = pairs[pairs != query]
        planes = query_planes(vectors[query])
        bits = hamming(columns[:, pairs], planes[0])
        angles.append(angle[pairs])
        coarse.append(bits.astype(np.float64))
        fine.append(refined(columns[:, pairs], planes, bits) / REFINED_SCALE)
    angle = np.concatenate(angles)
    return Calibration(_fit(angle, np.concatenate(coarse)), _fit(angle, np.concatenate(fine)))


def _fit(angle: NDArray[np.float32], bits: NDArray[np.float64]) -> Fit:
    """Least squares."""
    centered = angle.astype(np.float64) - float(angle.mean())
    slope = float(centered @ bits) / max(float(centered @ centered), 1e-12)
    sigma = float(np.std(bits - slope * centered))
    return Fit(float(bits.mean()) - slope * float(angle.mean()), slope, sigma)
