"""Record numbers in sorted arrays, and arrays that grow without disturbing readers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rids = NDArray[np.int64]
"""Record numbers: an engine's own, which ascend in the order of storing."""


def find(sorted_rids: Rids, wanted: Rids) -> NDArray[np.int64]:
    """Positions of those of `wanted` that are in `sorted_rids`, in the order of `wanted`."""
    if not len(sorted_rids):
        return np.empty(0, np.int64)
    at = np.searchsorted(sorted_rids, wanted)
    at[at == len(sorted_rids)] = 0
    found: NDArray[np.int64] = at[sorted_rids[at] == wanted]
    return found


def members(rids: Rids, wanted: Rids) -> NDArray[np.bool_]:
    """For each of n record numbers, in any order, whether it is among `wanted`, which ascends."""
    if not len(wanted):
        return np.zeros(len(rids), np.bool_)
    at = np.searchsorted(wanted, rids)
    at[at == len(wanted)] = 0
    found: NDArray[np.bool_] = wanted[at] == rids
    return found


def places_of(rids: Rids, wanted: Rids) -> NDArray[np.int64]:
    """Where each of `wanted`, all of which are there, stands among n different record numbers in any order."""
    order = np.argsort(rids, kind="stable")
    found: NDArray[np.int64] = order[np.searchsorted(rids, wanted, sorter=order)]
    return found


class Growing:
    """An array that grows along its last axis; views handed out earlier keep their content.

    Only the newest view may be extended, by one thread at a time: what is written lies behind every older view.
    """

    __slots__ = ("_buffer", "_used")

    def __init__(self, content: NDArray[Any]) -> None:
        self._used = content.shape[-1]
        self._buffer = self._with_room(content, self._used)

    @property
    def view(self) -> NDArray[Any]:
        """What it holds now."""
        return self._buffer[..., : self._used]

    @property
    def nbytes(self) -> int:
        """Bytes taken, room to grow included."""
        return self._buffer.nbytes

    def extend(self, more: NDArray[Any]) -> None:
        """Put `more` behind what is there."""
        used = self._used + more.shape[-1]
        if used > self._buffer.shape[-1]:
            self._buffer = self._with_room(self.view, used)
        self._buffer[..., self._used : used] = more
        self._used = used

    @staticmethod
    def _with_room(content: NDArray[Any], used: int) -> NDArray[Any]:
        buffer = np.empty((*content.shape[:-1], used + used // 8 + 64), content.dtype)
        buffer[..., : content.shape[-1]] = content
        return buffer
