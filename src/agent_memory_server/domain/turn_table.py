"""What a block knows of its rows as turns: which conversation, when, and who speaks."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.turns import Around, around


class TurnTable:
    """Grows with a block, whose rows are only ever appended. Not for several threads at once."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._sessions: list[int] = []
        self._times: list[float] = []
        self._stored: list[float] = []
        self._speakers: list[str] = []

    def __len__(self) -> int:
        return len(self._sessions)

    def append(self, conversation: Hashable | None, created_at: float, persisted_at: float, speaker: str) -> None:
        """Put a row behind. conversation: its place and session; None for what is no message of a session."""
        number = -1 if conversation is None else self._numbers.setdefault(conversation, len(self._numbers))
        self._sessions.append(number)
        self._times.append(created_at)
        self._stored.append(persisted_at)
        self._speakers.append(speaker)

    def of(self, rids: Rids, live: NDArray[np.bool_] | None) -> tuple[Around, tuple[str, ...]]:
        """Of the first rows, which hold these records; rows that are not live stand beside nobody."""
        sessions = np.array(self._sessions[: len(rids)], np.int64)
        times, stored = np.array(self._times[: len(rids)]), np.array(self._stored[: len(rids)])
        turns = sessions >= 0 if live is None else (sessions >= 0) & live
        rows = np.flatnonzero(turns)
        rows = rows[np.argsort(rids[rows], kind="stable")]
        places = around(len(rids), rows, sessions[rows], times[rows], stored[rows])
        return places, tuple(self._speakers[: len(rids)])
