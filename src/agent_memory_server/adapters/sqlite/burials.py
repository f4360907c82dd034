"""Remembering what was deleted, so that no extraction brings it back."""

from __future__ import annotations

from collections.abc import Iterable

import apsw
import numpy as np

from agent_memory_server.adapters.sqlite.sql import fetch, queries
from agent_memory_server.domain.burial import Remains, known_again, remains
from agent_memory_server.domain.memory import Memory

BURIED_KEPT = 200_000
"""Digests kept in a data folder, 100 bytes or so each; the oldest go first."""


def bury(connection: apsw.Connection, memories: Iterable[Memory]) -> None:
    """Keep digests of records that are deleted. Inside the write transaction that deletes them."""
    rows = [(one.source, one.exact, _blob(one)) for memory in memories for one in remains(memory)]
    if rows:
        connection.executemany(queries("burials")["bury"], rows)
        connection.execute(queries("burials")["prune"], (BURIED_KEPT,))


def is_buried(connection: apsw.Connection, memory: Memory) -> bool:
    """Whether a record that says this was read out of one of the same messages, and deleted."""
    for one in remains(memory):
        for (codes,) in fetch(connection, queries("burials")["buried"], (one.source, one.exact)):
            if known_again(one, Remains(one.source, one.exact, frozenset(np.frombuffer(codes, "<u2").tolist()))):
                return True
    return False


def _blob(one: Remains) -> bytes:
    return np.array(sorted(one.codes), "<u2").tobytes()
