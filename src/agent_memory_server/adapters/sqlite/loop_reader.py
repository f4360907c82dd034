"""The event loop's own reading connection, for work that is shorter than asking a reading thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import apsw

from agent_memory_server.adapters.sqlite.connection import rolled_back

T = TypeVar("T")


class LoopReader:
    """Runs functions in the calling thread, one at a time. It never waits: not for a lock of the file, nor for another
    caller. Whatever does not go at once is declined, and is the reading threads' to do, and to fail."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._connection: apsw.Connection | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Connect. Without it, and after `close`, everything is declined."""
        with self._lock:
            self._connection = self._connect()
            self._connection.set_busy_timeout(0)

    def read(self, work: Callable[[apsw.Connection], T | None]) -> T | None:
        """What `work` gives; None: it was declined, by `work` or because the engine was busy or failed."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return work(self._connection) if self._connection is not None else None
        except apsw.Error:
            return None
        finally:
            self._connection = rolled_back(self._connection)
            self._lock.release()

    def close(self) -> None:
        """Close the connection, once nobody uses it. Idempotent."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
