"""Messages and the turns beside them: of all rows of a block, and of some records of a wide selection."""

from __future__ import annotations

import json
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
from agent_memory_server.domain.told import HEAD_CHARS, Telling, Told, ToldRows
from agent_memory_server.domain.turns import Around

_MESSAGE = MemoryType.MESSAGE.value
_SOME = (
    "SELECT m.rid, m.id, m.session_id, m.memory_type, m.created_at, m.persisted_at, m.event_date,"
    f" substr(m.text, 1, {HEAD_CHARS}), m.extracted_from"
    " FROM carray(?) a CROSS JOIN memories m ON m.rid = a.value"
)
_BESIDE = (
    f"FROM memories WHERE memory_type = '{_MESSAGE}' AND rid >> 24 = ? AND session_id = ?"
    " AND (created_at, ifnull(persisted_at, 0), rid)"
)
_BEFORE = f"SELECT rid {_BESIDE} < (?, ?, ?) AND created_at <= ? ORDER BY created_at DESC, ifnull(persisted_at, 0) DESC, rid DESC LIMIT 2"  # noqa: E501
_BEHIND = (
    f"SELECT rid {_BESIDE} > (?, ?, ?) AND created_at >= ? ORDER BY created_at, ifnull(persisted_at, 0), rid LIMIT 2"
)


_GONE = Telling(
    place=0, id="", session_id="", memory_type="", created_at=0.0, persisted_at=None, event_date=None, head=""
)


def _telling(connection: apsw.Connection, rids: Rids) -> list[Telling]:
    """What records tell, in the order of `rids`; nothing of those that are gone."""
    found = {row[0]: _of_row(row) for row in fetch_for(connection, _SOME, np.sort(rids))}
    return [found.get(rid, _GONE) for rid in rids.tolist()]


def _of_row(row: Sequence[Any]) -> Telling:
    rid, id_, session_id, memory_type, created_at, persisted_at, event_date, head, sources = row
    return Telling(
        place=rid >> 24,
        id=id_,
        session_id=session_id,
        memory_type=memory_type,
        created_at=created_at,
        persisted_at=persisted_at,
        event_date=event_date,
        head=head,
        sources=json.loads(sources) if sources else (),
    )


class TurnRows:
    """What a block knows of its rows as turns; grows with the block, whose rows are only ever appended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows = ToldRows()

    def of(self, connection: apsw.Connection, rids: Rids, live: NDArray[np.bool_] | None) -> tuple[Around, Told]:
        """Of the rows that hold these records; rows that are not live stand beside nobody."""
        with self._lock:
            self._rows.extend(_telling(connection, rids[self._rows.rows :]))
            return self._rows.around(rids, live), self._rows.told(len(rids))

    def some(
        self, connection: apsw.Connection, rids: Rids, live: NDArray[np.bool_] | None, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], Told]:
        """The same of some rows alone: `Around.of` them, and what they tell. Of their conversations nothing is kept, so
        a store that changes all the time costs no more than one at rest."""
        with self._lock:
            self._rows.extend(_telling(connection, rids[self._rows.rows :]))
            return self._rows.beside(rids, live, rows), self._rows.told(len(rids)).of(rows)


@dataclass(frozen=True, slots=True)
class Beside:
    """Some records of the store and the turns beside them. rids: all of them, ascending; rows: where the asked ones
    stand there, in their order; beside: (n, 4) rows, see `Around`; told: of the asked ones."""

    rids: Rids
    rows: NDArray[np.int64]
    beside: NDArray[np.int64]
    told: Told


def beside(connection: apsw.Connection, rids: Rids) -> Beside:
    """The turns beside some hundred records, by the index over sessions and times: 10 µs for each."""
    records = _telling(connection, rids)
    gathered = ToldRows()
    gathered.extend(records)
    places = [_neighbours(connection, rid, record) for rid, record in zip(rids.tolist(), records, strict=True)]
    table = np.array(places, np.int64).reshape(len(rids), 4)
    every = np.unique(np.concatenate([rids, table[table >= 0]]))
    rows = np.where(table >= 0, np.searchsorted(every, table), -1)
    return Beside(every, np.searchsorted(every, rids), rows, gathered.told(len(rids)))


def _neighbours(connection: apsw.Connection, rid: int, turn: Telling) -> tuple[int, int, int, int]:
    if turn.memory_type != _MESSAGE or not turn.session_id:
        return (-1, -1, -1, -1)
    place = (rid >> 24, turn.session_id, turn.created_at, turn.persisted_at or 0.0, rid, turn.created_at)
    before = [row[0] for row in fetch(connection, _BEFORE, place)] + [-1, -1]
    behind = [row[0] for row in fetch(connection, _BEHIND, place)] + [-1, -1]
    return (before[0], behind[0], before[1], behind[1])
