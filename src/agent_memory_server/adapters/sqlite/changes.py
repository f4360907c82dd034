"""What changed in the file since a cache was filled: own and foreign commits take the same path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.fetch import fetch

_SEQ = "SELECT value FROM meta WHERE key = ?"
_CHANGED = "SELECT rid FROM memories WHERE seq > ? LIMIT ?"
_GONE = "SELECT rid FROM tombstones WHERE seq > ? LIMIT ?"


class Lagging(Exception):
    """A cache is newer than this reader's snapshot: begin a new one and try again."""


@dataclass(frozen=True, slots=True)
class Changes:
    """changed: records stored, moved in, or with new text, words or vector; gone: records deleted or moved away."""

    changed: NDArray[np.int64]
    gone: NDArray[np.int64]


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[int]:
    """One state of the file for several statements; gives the number of the last commit in it."""
    connection.execute("BEGIN")
    try:
        yield _number(connection, "seq")
    finally:
        connection.execute("COMMIT")


def _number(connection: apsw.Connection, key: str) -> int:
    row = connection.execute(_SEQ, (key,)).fetchone()
    return int(row[0]) if row is not None else 0


def changes_since(connection: apsw.Connection, seq: int, *, at_most: int) -> Changes | None:
    """Record numbers that commits after `seq` touched; None: too many or no longer known, read everything again."""
    if seq < _number(connection, "pruned_to"):
        return None
    changed = _rids(connection, _CHANGED, seq, at_most)
    gone = _rids(connection, _GONE, seq, at_most)
    return None if changed is None or gone is None else Changes(changed, gone)


def _rids(connection: apsw.Connection, sql: str, seq: int, at_most: int) -> NDArray[np.int64] | None:
    rows = fetch(connection, sql, (seq, at_most + 1))
    return None if len(rows) > at_most else np.array([row[0] for row in rows], np.int64)
