"""Vectors of the texts seen lately, within a bound of memory."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

ENTRY_BYTES = 280
"""What an entry takes besides its floats: the digest, the array's header, its place in the dictionary."""


class RecentVectors:
    """Least recently used vectors go first when `limit_bytes` are reached."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._vectors: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._bytes = 0

    def find(self, digest: bytes) -> NDArray[np.float32] | None:
        """The vector, which counts as a use."""
        vector = self._vectors.get(digest)
        if vector is not None:
            self._vectors.move_to_end(digest)
        return vector

    def put(self, digest: bytes, vector: NDArray[np.float32]) -> None:
        """Keep a copy: the row must not hold on to the batch it comes from."""
        if digest in self._vectors:
            return
        self._vectors[digest] = vector.copy()
        self._bytes += vector.nbytes + ENTRY_BYTES
        while self._bytes > self._limit:
            _, oldest = self._vectors.popitem(last=False)
            self._bytes -= oldest.nbytes + ENTRY_BYTES
