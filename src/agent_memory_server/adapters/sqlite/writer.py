"""The one writing thread: group commit, and upkeep of the file while nothing waits."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import apsw

from agent_memory_server.adapters.sqlite.connection import rolled_back
from agent_memory_server.adapters.sqlite.delivery import Ticket, deliver, ticket_for
from agent_memory_server.adapters.sqlite.errors import translating
from agent_memory_server.adapters.sqlite.write_ahead import WriteAheadLog
from agent_memory_server.domain.errors import Unavailable

T = TypeVar("T")
MAX_BATCH = 128
"""Operations in one commit at most."""

_IDLE_S = 0.05
_MERGE_PAGES = 200
_WAL_TRUNCATE_BYTES = 64 * 1024**2
_OPTIMIZE_EVERY_S = 86_400.0


class Writer:
    """Runs functions on the writing connection, many in one commit; a result means it is on disk.

    A function that raises takes back its own changes only. A commit that fails fails all of its functions.
    """

    def __init__(self, path: Path, connect: Callable[[], apsw.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._connection: apsw.Connection | None = None
        self._queue: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._log = WriteAheadLog()
        self._merge_due = False
        self._optimized_at = time.monotonic()
        self._closed = False
        self._gate = threading.Lock()  # nothing is queued behind the end

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def write(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` inside a transaction and return its result after the commit is durable.

        Work that is queued is done, also when its caller is cancelled meanwhile.
        Raises: what `work` raises (its changes are undone); Unavailable, when the commit fails.
        """
        ticket = ticket_for(work)
        with self._gate:
            if self._closed:
                raise Unavailable("the store is closed")
            self._queue.put(ticket)
        result: T = await ticket.future
        return result

    def close(self) -> None:
        """Finish what is queued, then stop. Idempotent."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            self._commit(batch)
            deliver(batch)
            self._copy_log()
            self._merge_due = True
        if self._connection is not None:
            self._connection.close()

    def _next_batch(self) -> list[Ticket] | None:
        first = self._wait()
        if first is None:
            return None
        batch = [first]
        while len(batch) < MAX_BATCH:
            try:
                ticket = self._queue.get_nowait()
            except queue.Empty:
                break
            if ticket is None:
                self._queue.put(None)  # close after this batch
                break
            batch.append(ticket)
        return batch

    def _wait(self) -> Ticket | None:
        while self._merge_due and self._connection is not None:
            try:
                return self._queue.get(timeout=_IDLE_S)
            except queue.Empty:
                self._merge_due = self._upkeep(self._connection)
        return self._queue.get()

    def _commit(self, batch: list[Ticket]) -> None:
        try:
            with translating():
                self._connection = connection = self._connection or self._opened()
                connection.execute("BEGIN IMMEDIATE")
                _run_first(connection, batch[0])
                for ticket in batch[1:]:
                    _run_in_savepoint(connection, ticket)
                connection.execute("COMMIT")
        except BaseException as exc:  # noqa: BLE001 - handed to the callers that wait, never swallowed
            self._connection = rolled_back(self._connection)
            for ticket in batch:
                ticket.error = ticket.error or exc

    def _opened(self) -> apsw.Connection:
        connection = self._connect()
        self._log.follow(connection)
        return connection

    def _copy_log(self) -> None:
        if self._connection is not None:
            with suppress(apsw.Error):  # the disk is full: the next write will say so
                self._log.copy_when_due(self._connection)

    def _upkeep(self, connection: apsw.Connection) -> bool:
        """One bounded step: merge word-index segments, copy and shorten the log, refresh figures. True: more to do."""
        try:
            before = connection.total_changes()
            connection.execute("INSERT INTO fts(fts, rank) VALUES('merge', ?)", (_MERGE_PAGES,))
            more = connection.total_changes() - before >= 2  # what FTS5 documents as "work was done"
            more |= self._log.copy_when_due(connection, idle=True)
            wal = self._path.with_name(self._path.name + "-wal")
            if wal.stat().st_size > _WAL_TRUNCATE_BYTES:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if time.monotonic() - self._optimized_at > _OPTIMIZE_EVERY_S:
                connection.execute("PRAGMA optimize").fetchall()
                self._optimized_at = time.monotonic()
        except (apsw.Error, OSError):
            return False  # another process writes, or the disk is full: the next write will say so
        return more


def _run_first(connection: apsw.Connection, ticket: Ticket) -> None:
    """Its changes are all there is to take back, so it needs no savepoint, for which SQLite copies each page that
    changes: a fifth of the time of storing a batch of records."""
    try:
        with translating():
            ticket.result = ticket.work(connection)
    except Exception as exc:
        if not connection.in_transaction:  # SQLite gave up the whole transaction (disk full, I/O error)
            raise
        ticket.error = exc
        connection.execute("ROLLBACK")
        connection.execute("BEGIN IMMEDIATE")


def _run_in_savepoint(connection: apsw.Connection, ticket: Ticket) -> None:
    connection.execute("SAVEPOINT operation")
    try:
        with translating():
            ticket.result = ticket.work(connection)
    except Exception as exc:
        if not connection.in_transaction:  # SQLite gave up the whole transaction (disk full, I/O error)
            raise
        connection.execute("ROLLBACK TO operation")
        ticket.error = exc
    connection.execute("RELEASE operation")
