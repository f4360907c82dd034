"""Counting differing bits with numpy: the scan over the sketch."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.signs import Columns

_CHUNK = 65_536
"""Rows per step: the step's temporary words stay in the processor's cache."""

_WORDS_OF_A_BYTE = 3
"""64-bit words whose differing bits a byte can count."""

_SAMPLE = 4_096
_FEW = 2_048
"""Up to so many rows are compared with all planes in one step: calls cost more than the bits."""

Distances = NDArray[np.uint16]
Bits = Distances | NDArray[np.uint8]
"""Of either scan."""


class _Scratch(threading.local):
    """Room for the steps of a thread's scans: fresh arrays of this size cost as much as the counting."""

    def __init__(self) -> None:
        self.words = np.empty(_CHUNK, np.uint64)
        self.counts = np.empty(_CHUNK, np.uint8)


_scratch = _Scratch()


def hamming(columns: Columns, plane: NDArray[np.uint64]) -> Distances:
    """Bits in which each of n records differs from a plane of the query, shape (n,).

    columns: shape (words, n); plane: shape (words,).
    """
    rows = columns.shape[1]
    out: Distances = np.zeros(rows, np.uint16)
    for start in range(0, rows, _CHUNK):
        _add_differing(columns[:, start : start + _CHUNK], plane, out[start : start + _CHUNK])
    return out


def _add_differing(columns: Columns, plane: NDArray[np.uint64], out: Distances) -> None:
    """Add the differing bits of at most _CHUNK rows to `out`."""
    words, counts = _scratch.words[: len(out)], _scratch.counts[: len(out)]
    for first in range(0, len(plane), _WORDS_OF_A_BYTE):
        last = min(first + _WORDS_OF_A_BYTE, len(plane))
        few: NDArray[np.uint8] = np.bitwise_count(np.bitwise_xor(columns[first], plane[first], out=words))
        for word in range(first + 1, last):
            np.bitwise_count(np.bitwise_xor(columns[word], plane[word], out=words), out=counts)
            np.add(few, counts, out=few)
        np.add(out, few, out=out)


def few_bits(columns: Columns, plane: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """`hamming` for at most 255 bits, which a byte counts.

    columns: shape (words, n); plane: shape (words,).
    """
    rows = columns.shape[1]
    out = np.empty(rows, np.uint8)
    for start in range(0, rows, _CHUNK):
        some, here = columns[:, start : start + _CHUNK], out[start : start + _CHUNK]
        words, counts = _scratch.words[: len(here)], _scratch.counts[: len(here)]
        np.bitwise_count(np.bitwise_xor(some[0], plane[0], out=words), out=here)
        for column, word in zip(some[1:], plane[1:], strict=True):
            np.bitwise_count(np.bitwise_xor(column, word, out=words), out=counts)
            np.add(here, counts, out=here)
    return out


def refined(columns: Columns, planes: Columns, first: Bits) -> Distances:
    """Weighted distance to all planes of a query, shape (n,): Σ 2^b × hamming(plane b).

    first: the distances to the first plane, which are known already. Where `hamming` compares two roundings,
    this compares the record's signs with nearly the true query: its error is 0.6 of the other's.
    """
    if len(first) <= _FEW:
        weights = 1 << np.arange(len(planes) - 1, -1, -1)
        differing = np.bitwise_count(columns[None] ^ planes[1:, :, None]).sum(axis=1, dtype=np.uint16)
        few: Distances = (weights[0] * first + weights[1:] @ differing).astype(np.uint16)
        return few
    total = first.astype(np.uint16)
    for plane in planes[1:]:
        np.left_shift(total, 1, out=total)
        np.add(total, hamming(columns, plane), out=total)
    return total


def nearest_count(distances: Bits, wanted: int) -> int:
    """A distance within which about `wanted` of the records lie, from every so many of them.

    At least 50 records of the sample lie within it, so the number is met within a few tenths.
    """
    step = max(1, min(len(distances) // _SAMPLE, wanted // 50))
    counts = np.cumsum(np.bincount(distances[::step]))
    return int(np.searchsorted(counts, min(-(-wanted // step), counts[-1])))
