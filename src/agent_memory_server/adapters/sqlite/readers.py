"""A few reading threads, each with a connection of its own; the event loop only waits."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

import apsw

from agent_memory_server.adapters.sqlite.connection import rolled_back
from agent_memory_server.adapters.sqlite.delivery import Ticket, deliver, ticket_for
from agent_memory_server.adapters.sqlite.errors import translating
from agent_memory_server.domain.errors import Unavailable

T = TypeVar("T")


class Readers:
    """Runs functions on reading connections. Each statement sees the latest commit of any process."""

    def __init__(self, connect: Callable[[], apsw.Connection], *, threads: int) -> None:
        self._connect = connect
        self._queue: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"sqlite-reader-{n}", daemon=True) for n in range(threads)
        ]
        self._closed = False
        self._gate = threading.Lock()  # nothing is queued behind the end

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    async def read(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` on a reading connection; its statements are not one snapshot unless it begins a transaction.

        Raises: what `work` raises; Unavailable, when the engine fails.
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
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection: apsw.Connection | None = None
        while (ticket := self._queue.get()) is not None:
            try:
                with translating():
                    connection = connection or self._connect()
                    ticket.result = ticket.work(connection)
            except BaseException as exc:  # noqa: BLE001 - handed to the caller that waits, never swallowed
                ticket.error = exc
                connection = rolled_back(connection)
            deliver([ticket])
        if connection is not None:
            connection.close()
