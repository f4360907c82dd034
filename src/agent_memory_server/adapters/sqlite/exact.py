"""Exact distances from stored vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.blocks import wrong_dimensions
from agent_memory_server.adapters.sqlite.fetch import fetch, fetch_for
from agent_memory_server.adapters.sqlite.ranges import Ranges
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.distances import NOTHING, Distances, cosine_distances, joined

_SOME = "SELECT v.rid, v.v FROM carray(?) a CROSS JOIN vecs v ON v.rid = a.value"
_PAGE = "SELECT rid, v FROM vecs WHERE rid BETWEEN ? AND ? ORDER BY rid LIMIT ?"
_PAGE_ROWS = 4_096


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
