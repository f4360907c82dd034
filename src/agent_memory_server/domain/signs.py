"""Sign bits of vectors as the scan reads them, and a query rounded to a few bits per component."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

PLANES = 4
"""Bits that a query's components are rounded to. Three lose 5 % of the precision of floats, four 2 %."""

Columns = NDArray[np.uint64]


def as_columns(bits: NDArray[np.uint8]) -> Columns:
    """Packed bits of n records as 64-bit words by column, shape (ceil(bytes / 8), n), zero-padded.

    Column-major, so that a scan reads long runs: twice as fast as by row.
    """
    rows, width = bits.shape
    padded = np.zeros((rows, -(-width // 8) * 8), np.uint8)
    padded[:, :width] = bits
    return np.ascontiguousarray(padded.view(np.uint64).T)


def query_signs(vector: NDArray[np.float32]) -> NDArray[np.uint64]:
    """The first of a query's planes alone, shape (columns,): its signs, zeros among the negative ones."""
    return as_columns(np.packbits(vector > 0)[None]).ravel()


def query_planes(vector: NDArray[np.float32]) -> Columns:
    """A query rounded to PLANES bits per component, as bit planes, most significant first, shape (PLANES, columns).

    The first plane is the sign. With c the rounded component, q ≈ step / 2 × Σ 2^b (2 c_b - 1), so the product
    of q with a record's signs is a weighted sum of Hamming distances to the planes.
    """
    levels = 1 << PLANES
    # 2.5 deviations hold 98.8 % of normal components; the rest is clipped.
    reach = 2.5 * math.sqrt(float(np.vecdot(vector, vector)) / len(vector)) or 1.0
    codes = np.minimum(np.maximum((vector / reach + 1.0) * (levels / 2), 0), levels - 1).astype(np.uint8)
    # Rounding down puts exact zeros among the positive; the stored signs have them among the negative.
    codes[(vector <= 0) & (codes == levels // 2)] = levels // 2 - 1
    shifts = np.arange(PLANES - 1, -1, -1, dtype=np.uint8)[:, None]
    return as_columns(np.packbits((codes >> shifts) & 1, axis=1)).T.copy()
