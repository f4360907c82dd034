"""Results of worker threads handed to the event loops that wait for them, one wake-up per loop and batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import apsw


@dataclass(slots=True)
class Ticket:
    """Work on a connection, and the future that waits for its result."""

    work: Callable[[apsw.Connection], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: BaseException | None = None


def ticket_for(work: Callable[[apsw.Connection], Any]) -> Ticket:
    """A ticket on the running loop."""
    loop = asyncio.get_running_loop()
    return Ticket(work, loop.create_future(), loop)


def _settle(tickets: Sequence[Ticket]) -> None:
    for ticket in tickets:
        if ticket.future.done():  # the waiting task was cancelled
            continue
        if isinstance(ticket.error, StopIteration):  # a future cannot carry it, and its neighbours must not wait
            ticket.future.set_exception(RuntimeError("work on a connection raised StopIteration"))
        elif ticket.error is not None:
            ticket.future.set_exception(ticket.error)
        else:
            ticket.future.set_result(ticket.result)


def deliver(tickets: Sequence[Ticket]) -> None:
    """Resolve the futures of finished tickets. A loop that is closed meanwhile has nobody waiting."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Ticket]] = {}
    for ticket in tickets:
        by_loop.setdefault(ticket.loop, []).append(ticket)
    for loop, group in by_loop.items():
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, group)
