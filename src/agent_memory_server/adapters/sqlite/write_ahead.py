"""When the pages of the write-ahead log are copied into the file: between commits, never inside one.

Records lie by user, so a batch of records of many users changes a page or more of every table for each of them, and the
next batch changes the same pages again. Copied once for many commits, each such page is written once. SQLite's own rule
(1,000 pages, within the commit that reaches them) copied them with nearly every batch of 100, which took more time of
the processor than storing the records.
"""

from __future__ import annotations

import apsw

DUE_BYTES = 32 * 1024**2
"""Of the log that are not in the file yet. Less, and pages are copied more often; with more nothing is gained, and
opening the folder after a crash, which reads the log, takes longer."""

IDLE_BYTES = 4 * 1024**2
"""The same while nobody writes: what is in the file is read faster than what is in the log."""


class WriteAheadLog:
    """The log of the writing connection."""

    def __init__(self, *, due_bytes: int = DUE_BYTES, idle_bytes: int = IDLE_BYTES) -> None:
        self._due_bytes = due_bytes
        self._idle_bytes = idle_bytes
        self._pages = 0
        self._copied = 0  # of these pages
        self._page_bytes = 0

    def follow(self, connection: apsw.Connection) -> None:
        """Take over from SQLite's own rule on this connection."""
        self._page_bytes = int(connection.pragma("page_size"))
        connection.set_wal_hook(self._committed)

    def copy_when_due(self, connection: apsw.Connection, *, idle: bool = False) -> bool:
        """Copy what is not in the file yet, if it is enough to be worth it; whether it was.

        Waits for nobody: pages that a reader still needs stay in the log until the next time.
        Raises: apsw.Error.
        """
        if (self._pages - self._copied) * self._page_bytes < (self._idle_bytes if idle else self._due_bytes):
            return False
        self._pages, self._copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        return True

    def _committed(self, _connection: apsw.Connection, _schema: str, pages: int) -> int:
        if pages < self._pages:  # the log began anew
            self._copied = 0
        self._pages = pages
        return apsw.SQLITE_OK
