"""Texts that an embedding service failed on while it answered for others: left alone for a while, each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_memory_server.ports.memory_store import Owed

FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Failed:
    revision: int
    times: int
    until: float


class Postponed:
    """Kept in memory, by each process for itself: after a restart every text is tried again."""

    def __init__(self) -> None:
        self._failed: dict[str, _Failed] = {}

    def __len__(self) -> int:
        """How many records are remembered."""
        return len(self._failed)

    def due(self, owed: Sequence[Owed], now: float) -> list[Owed]:
        """Those that may be tried now; a record with a new text may."""
        return [record for record in owed if not self._waits(record, now)]

    def knows(self, record: Owed) -> bool:
        """Whether this text failed before."""
        failed = self._failed.get(record.id)
        return failed is not None and failed.revision == record.revision

    def failed(self, record: Owed, now: float) -> None:
        """Leave it alone for half a minute at first, twice as long each time, an hour at most."""
        before = self._failed.get(record.id)
        times = before.times + 1 if before is not None and before.revision == record.revision else 1
        pause_s = min(FIRST_PAUSE_S * 2 ** min(times - 1, 16), LONGEST_PAUSE_S)
        self._failed[record.id] = _Failed(record.revision, times, now + pause_s)

    def done(self, record: Owed) -> None:
        """It is embedded."""
        self._failed.pop(record.id, None)

    def keep(self, owed: Sequence[Owed]) -> None:
        """Forget all that are owed no longer. owed: every record that is."""
        ids = {record.id for record in owed}
        self._failed = {id_: failed for id_, failed in self._failed.items() if id_ in ids}

    def _waits(self, record: Owed, now: float) -> bool:
        failed = self._failed.get(record.id)
        return failed is not None and failed.revision == record.revision and now < failed.until
