"""Messages and the turns beside them: of all rows of a block, and of some records of a wide selection."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.fetch import fetch, fetch_for
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.turn_table import TurnTable
from agent_memory_server.domain.turns import Around, speaker_of

_HEAD_CHARS = 80
"""Characters of a text read for its speaker."""

_MESSAGE = MemoryType.MESSAGE.value
_SOME = (
    f"SELECT m.rid, m.session_id, m.created_at, m.persisted_at, substr(m.text, 1, {_HEAD_CHARS})"
    f" FROM carray(?) a CROSS JOIN memories m ON m.rid = a.value WHERE m.memory_type = '{_MESSAGE}'"
)
_BESIDE = (
    f"FROM memories WHERE memory_type = '{_MESSAGE}' AND rid >> 24 = ? AND session_id = ?"
    " AND (created_at, ifnull(persisted_at, 0), rid)"
)
_BEFORE = f"SELECT rid {_BESIDE} < (?, ?, ?) AND created_at <= ? ORDER BY created_at DESC, ifnull(persisted_at, 0) DESC, rid DESC LIMIT 2"  # noqa: E501
_BEHIND = (
    f"SELECT rid {_BESIDE} > (?, ?, ?) AND created_at >= ? ORDER BY created_at, ifnull(persisted_at, 0), rid LIMIT 2"
)


class TurnRows:
    """What a block knows of its rows as turns; read when it is first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._table = TurnTable()

    def of(
        self, connection: apsw.Connection, rids: Rids, live: NDArray[np.bool_] | None
    ) -> tuple[Around, tuple[str, ...]]:
        """See `TurnTable.of`."""
        with self._lock:
            self._read(connection, rids[len(self._table) :])
            return self._table.of(rids, live)

    def _read(self, connection: apsw.Connection, rids: Rids) -> None:
        if not len(rids):
            return
        found = {row[0]: row[1:] for row in fetch_for(connection, _SOME, np.sort(rids))}
        for rid in rids.tolist():
            session, created_at, persisted_at, head = found.get(rid, ("", 0.0, 0.0, ""))
            # A record without a session belongs to no conversation.
            conversation = (rid >> 24, session) if session else None
            self._table.append(conversation, created_at, persisted_at or 0.0, speaker_of(head))


@dataclass(frozen=True, slots=True)
class Beside:
    """Some records of the store and the turns beside them. rids: all of them, ascending; rows: where the asked ones
    stand there, in their order; beside: (n, 4) rows, see `Around`; speakers: of the asked ones."""

    rids: Rids
    rows: NDArray[np.int64]
    beside: NDArray[np.int64]
    speakers: tuple[str, ...]


def beside(connection: apsw.Connection, rids: Rids) -> Beside:
    """The turns beside some hundred records, by the index over sessions and times: 10 µs for each."""
    known = {row[0]: row[1:] for row in fetch_for(connection, _SOME, np.sort(rids))}
    places = [_neighbours(connection, rid, known.get(rid)) for rid in rids.tolist()]
    table = np.array(places, np.int64).reshape(len(rids), 4)
    every = np.unique(np.concatenate([rids, table[table >= 0]]))
    rows = np.where(table >= 0, np.searchsorted(every, table), -1)
    speakers = tuple(speaker_of(known[rid][3]) if rid in known else "" for rid in rids.tolist())
    return Beside(every, np.searchsorted(every, rids), rows, speakers)


def _neighbours(connection: apsw.Connection, rid: int, turn: Sequence[Any] | None) -> tuple[int, int, int, int]:
    if turn is None or not turn[0]:
        return (-1, -1, -1, -1)
    session, created_at, persisted_at, _ = turn
    place = (rid >> 24, session, created_at, persisted_at or 0.0, rid, created_at)
    before = [row[0] for row in fetch(connection, _BEFORE, place)] + [-1, -1]
    behind = [row[0] for row in fetch(connection, _BEHIND, place)] + [-1, -1]
    return (before[0], behind[0], before[1], behind[1])
