"""Vectors as BLOBs, and their sign-bit sketches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def vector_blob(vector: NDArray[np.float32]) -> bytes:
    """float32, little-endian."""
    return vector.astype("<f4", copy=False).tobytes()


def sketch_blob(vector: NDArray[np.float32]) -> bytes:
    """One bit per dimension, 1 where the value is above 0; in numpy.packbits' order, padded with zeros to bytes."""
    return np.packbits(vector > 0).tobytes()
