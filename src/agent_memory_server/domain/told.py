"""What records tell of themselves besides words and vectors: who speaks, when, and which message they are or were read
out of. Row by row, as flat arrays; what a search needs of some hundred candidates is a few look-ups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Growing
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.turns import Around, around, speaker_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HEAD_CHARS = 80
"""Characters of a text that are read for its speaker."""

MOST_SOURCES = 3
"""A record that was read out of more messages is a digest of them, and no other way to say one of them."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of n records.

    speakers: who speaks in a message (`turns.speaker_of`), as a place in `names`, whose first is "" for nobody;
    created:  `created_at`, Unix seconds; events: `event_date`, NaN where there is none;
    messages: the number of the message that a message record is, 0 for other records;
    sources:  row → the numbers of the messages that another record was read out of, for those of up to MOST_SOURCES.
    """

    speakers: Ints
    names: tuple[str, ...]
    created: Floats
    events: Floats
    messages: Ints
    sources: Mapping[int, tuple[int, ...]]

    def of(self, rows: Ints) -> Told:
        """Of some of the records, in this order."""
        sources: dict[int, tuple[int, ...]] = {}
        if self.sources:
            known = self.sources
            sources = {at: known[row] for at, row in enumerate(rows.tolist()) if row in known}
        return Told(
            self.speakers[rows], self.names, self.created[rows], self.events[rows], self.messages[rows], sources
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One record. place: the number of its namespace and user; head: its text's first HEAD_CHARS or more."""

    place: int
    id: str
    session_id: str
    memory_type: str
    created_at: float
    persisted_at: float | None
    event_date: float | None
    head: str
    sources: Sequence[str] = ()


def _number(place: int, session_id: str, message_id: str) -> int:
    """A number for a message: two differ with a probability of 1 - 2e-19. Holds within a process."""
    return hash((place, session_id, message_id)) or 1


@dataclass(slots=True)
class ToldRows:
    """Gathers what records tell; rows are only ever appended, by one thread at a time."""

    _numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=lambda: {"": 0})
    _sources: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _whole: Growing = field(default_factory=lambda: Growing(np.empty((3, 0), np.int64)))
    """session (-1: of no conversation), speaker, message"""
    _times: Growing = field(default_factory=lambda: Growing(np.empty((3, 0))))
    """created, persisted, event"""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self._whole.view.shape[1])

    def extend(self, records: Sequence[Telling]) -> None:
        """Put records behind."""
        if not records:
            return
        first = self.rows
        whole = [self._whole_numbers(first + at, record) for at, record in enumerate(records)]
        missing = float("nan")
        times = [
            (one.created_at, one.persisted_at or 0.0, missing if one.event_date is None else one.event_date)
            for one in records
        ]
        self._whole.extend(np.array(whole, np.int64).T)
        self._times.extend(np.array(times).T)

    def _whole_numbers(self, row: int, record: Telling) -> tuple[int, int, int]:
        if record.memory_type != MemoryType.MESSAGE.value:
            if 0 < len(record.sources) <= MOST_SOURCES:
                self._sources[row] = tuple(
                    _number(record.place, record.session_id, source) for source in record.sources
                )
            return (-1, 0, 0)
        speaker = self._names.setdefault(speaker_of(record.head), len(self._names))
        message = _number(record.place, record.session_id, record.sources[0] if record.sources else record.id)
        # A message without a session belongs to no conversation.
        session = -1
        if record.session_id:
            session = self._numbers.setdefault((record.place, record.session_id), len(self._numbers))
        return (session, speaker, message)

    def told(self, rows: int) -> Told:
        """What the first `rows` rows tell."""
        _, speakers, messages = self._whole.view[:, :rows]
        created, _, events = self._times.view[:, :rows]
        return Told(speakers, tuple(self._names), created, events, messages, self._sources)

    def around(self, order: NDArray[np.int64], live: NDArray[np.bool_] | None) -> Around:
        """Who stands beside whom among the first n rows; rows that are not live stand beside nobody.

        order: what decides between equal times, a number for each of the n rows (the order of storing).
        """
        sessions = self._whole.view[0, : len(order)]
        turns = sessions >= 0 if live is None else (sessions >= 0) & live
        return self._around(order, np.flatnonzero(turns))

    def beside(self, order: NDArray[np.int64], live: NDArray[np.bool_] | None, rows: Ints) -> Ints:
        """`around(order, live).of(rows)`, by a look at the conversations of these rows alone."""
        sessions = self._whole.view[0, : len(order)]
        asked = np.zeros(len(self._numbers) + 1, np.bool_)  # the last one: of no conversation
        asked[sessions[rows]] = True
        asked[-1] = False
        turns = asked[sessions] if live is None else asked[sessions] & live
        there = np.flatnonzero(turns)
        return self._around(order, there).of(rows) if len(there) else np.full((len(rows), 4), -1, np.int64)

    def _around(self, order: NDArray[np.int64], rows: Ints) -> Around:
        rows = rows[np.argsort(order[rows], kind="stable")]
        sessions = self._whole.view[0, rows]
        created, stored, _ = self._times.view[:, rows]
        return around(len(order), rows, sessions, created, stored)
