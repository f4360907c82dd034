"""A coarse copy of the vectors in memory, one byte per dimension, beside the sketch of a store that is not too large.

Reading a stored vector costs a microsecond and a half, and a wide search needs hundreds of them to find its best ten.
With the copy it compares those in memory, to within SLACK, and reads only the few that remain in question.
"""

from __future__ import annotations

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.fetch import fetch_for
from agent_memory_server.domain.arrays import Growing, Rids

SLACK = 0.005
"""Of a distance from the copy. A component is rounded by half a step at most, and a step is 1/127 of the largest
component; for vectors of 384 random components the product is off by 0.0006 in the standard deviation, and the worst
of a million by less than a half of this."""

CODES_BYTES = 64 * 1024 * 1024
"""Memory for the copy at most: 170,000 vectors of 384 dimensions. A larger store is searched without it."""

_LEVELS = 127.0
_SOME = "SELECT v.rid, v.v FROM carray(?) a CROSS JOIN vecs v ON v.rid = a.value"
_PAGE_ROWS = 8_192


class CodesView:
    """One state of the copy: row i belongs to position i of the sketch."""

    __slots__ = ("_rows", "_scales")

    def __init__(self, rows: NDArray[np.void], scales: NDArray[np.float32]) -> None:
        self._rows = rows
        self._scales = scales

    def distances(self, at: NDArray[np.int64], query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine distances of positions, each within SLACK of the exact one."""
        rows = self._rows.take(at).view(np.int8).reshape(len(at), len(query))
        # Not with @: BLAS would wake its pool of threads for so little, and they compete with the readers.
        products: NDArray[np.float32] = np.vecdot(rows.astype(np.float32), query) * self._scales.take(at)
        return np.float32(1.0) - products

    def vectors(self, at: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of positions as the copy has them, shape (len(at), dimensions)."""
        rows = self._rows.take(at).view(np.int8).reshape(len(at), self._rows.itemsize)
        found: NDArray[np.float32] = rows * self._scales.take(at)[:, None]
        return found

    def taken(self, order: NDArray[np.int64]) -> tuple[NDArray[np.void], NDArray[np.float32]]:
        """Rows and scales of positions, copied."""
        return self._rows[order], self._scales[order]


class Codes:
    """The copy, growing as the sketch does."""

    def __init__(self, rows: NDArray[np.void], scales: NDArray[np.float32]) -> None:
        self._rows, self._scales = Growing(rows), Growing(scales)

    @property
    def view(self) -> CodesView:
        """What it holds now."""
        return CodesView(self._rows.view, self._scales.view)

    def extend(self, connection: apsw.Connection, rids: Rids, dimensions: int) -> None:
        """Put the vectors of further records behind, in the order of `rids`."""
        self.append(*read_codes(connection, rids, dimensions))

    def append(self, rows: NDArray[np.void], scales: NDArray[np.float32]) -> None:
        """Put further codes behind."""
        self._rows.extend(rows)
        self._scales.extend(scales)


def read_codes(
    connection: apsw.Connection, rids: Rids, dimensions: int
) -> tuple[NDArray[np.void], NDArray[np.float32]]:
    """Codes and scales of the stored vectors of records, in the order of `rids`; every one of them has a vector."""
    rows = np.empty(len(rids), np.dtype((np.void, dimensions)))
    scales = np.empty(len(rids), np.float32)
    for start in range(0, len(rids), _PAGE_ROWS):
        page = rids[start : start + _PAGE_ROWS]
        by_rid = dict(fetch_for(connection, _SOME, page))
        vectors = np.frombuffer(b"".join([by_rid[rid] for rid in page.tolist()]), "<f4").reshape(len(page), dimensions)
        codes, steps = quantised(vectors)
        rows[start : start + len(page)] = codes
        scales[start : start + len(page)] = steps
    return rows, scales


def quantised(vectors: NDArray[np.float32]) -> tuple[NDArray[np.void], NDArray[np.float32]]:
    """Codes and scales of n vectors, shape (n, dimensions)."""
    rows, dimensions = vectors.shape
    scales = (np.abs(vectors).max(axis=1) / _LEVELS).astype(np.float32)
    codes = np.rint(vectors / np.maximum(scales, np.finfo(np.float32).tiny)[:, None]).astype(np.int8)
    return np.ascontiguousarray(codes).view(np.dtype((np.void, dimensions))).reshape(rows), scales
