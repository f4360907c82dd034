"""Inclusive ranges of record numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Rids

Ranges = tuple[tuple[int, int], ...]


def inside(rids: Rids, ranges: Ranges) -> NDArray[np.bool_]:
    """For each of n record numbers whether it lies in one of the ranges (ascending, disjoint)."""
    if len(ranges) == 1:
        low, high = ranges[0]
        return (rids >= low) & (rids <= high)
    lows = np.array([low for low, _ in ranges], np.int64)
    highs = np.array([high for _, high in ranges], np.int64)
    at = np.searchsorted(lows, rids, side="right") - 1
    result: NDArray[np.bool_] = (at >= 0) & (rids <= highs[at])
    return result
