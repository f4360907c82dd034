"""Exact distances from stored vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.blocks import wrong_dimensions
from agent_memory_server.adapters.sqlite.fetch import fetch, fetch_for
from agent_memory_server.adapters.sqlite.ranges import Ranges, Rids, find

_SOME = "SELECT v.rid, v.v FROM carray(?) a CROSS JOIN vecs v ON v.rid = a.value"
_PAGE = "SELECT rid, v FROM vecs WHERE rid BETWEEN ? AND ? ORDER BY rid LIMIT ?"
_PAGE_ROWS = 4_096


@dataclass(frozen=True, slots=True)
class Distances:
    """Cosine distances (0 … 2) of records, both of shape (n,)."""

    rids: Rids
    values: NDArray[np.float32]

    def best(self, wanted: int) -> Distances:
        """The nearest `wanted` in order; equal ones by record number."""
        rids, values = self.rids, self.values
        if 0 < wanted < len(values):
            bound = np.partition(values, wanted - 1)[wanted - 1]
            near = np.flatnonzero(values <= bound)
            rids, values = rids[near], values[near]
        order = np.lexsort((rids, values))[:wanted]
        return Distances(rids[order], values[order])

    def within(self, bound: float) -> Distances:
        """Those of at most this distance."""
        near = self.values <= bound
        return Distances(self.rids[near], self.values[near])


NOTHING = Distances(np.empty(0, np.int64), np.empty(0, np.float32))


def joined(parts: list[Distances]) -> Distances:
    """Several together."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NOTHING
    return Distances(np.concatenate([part.rids for part in parts]), np.concatenate([part.values for part in parts]))


def cosine_distances(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 - product, kept within 0 … 2 where rounding leaves it. vectors: (n, dimensions), unit rows.

    Row by row: equal vectors get equal distances, and no pool of BLAS threads competes with the readers.
    """
    distances: NDArray[np.float32] = np.minimum(np.maximum(np.float32(1.0) - np.vecdot(vectors, query), 0.0), 2.0)
    return distances


def _of(rows: Sequence[Sequence[Any]], query: NDArray[np.float32]) -> Distances:
    if not rows:
        return NOTHING
    vectors = np.frombuffer(b"".join([row[1] for row in rows]), "<f4")
    if vectors.size != len(rows) * len(query):
        raise wrong_dimensions(len(query))
    rids = np.array([row[0] for row in rows], np.int64)
    return Distances(rids, cosine_distances(vectors.reshape(len(rows), -1), query))


def distances_of(connection: apsw.Connection, rids: Rids, query: NDArray[np.float32]) -> Distances:
    """Of those of `rids` that have a vector. Half a microsecond per record where the file is in memory."""
    pages = (rids[start : start + _PAGE_ROWS] for start in range(0, len(rids), _PAGE_ROWS))
    return joined([_of(fetch_for(connection, _SOME, page), query) for page in pages])


def scan(
    connection: apsw.Connection, ranges: Ranges, query: NDArray[np.float32], allowed: Rids | None = None
) -> Distances:
    """Of every record in the ranges that has a vector (and is in `allowed`, ascending): reads all of them."""
    if allowed is not None:
        return distances_of(connection, allowed, query)
    return joined([_of(rows, query) for rows in _pages(connection, ranges)])


def _pages(connection: apsw.Connection, ranges: Ranges) -> Iterator[list[tuple[Any, ...]]]:
    for low, high in ranges:
        start = low
        while rows := fetch(connection, _PAGE, (start, high, _PAGE_ROWS)):
            yield rows
            if len(rows) < _PAGE_ROWS:
                break
            start = rows[-1][0] + 1


def distance_by_rid(distances: Distances, wanted: Rids) -> dict[int, float]:
    """As a mapping, for those of `wanted` that are there."""
    order = np.argsort(distances.rids)
    at = order[find(distances.rids[order], wanted)]
    return dict(zip(distances.rids[at].tolist(), distances.values[at].tolist(), strict=True))
