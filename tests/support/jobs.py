"""Both sides of the queue of an application that a test opened, and a worker that runs beside a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol, cast

from agent_memory_server.interfaces.worker.handlers import Handler
from agent_memory_server.interfaces.worker.loop import Worker
from agent_memory_server.interfaces.worker.options import WorkerOptions
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.jobs import Claims, Jobs

QUICK = WorkerOptions(backoff_s=0.01, longest_backoff_s=0.05, poll_s=0.02, lease_s=30, drain_s=30)


class Queue(Jobs, Claims, Protocol):
    """Both sides of a queue of background work."""


def queue_of(app: Application) -> Queue:
    """The queue, with the worker's side of it."""
    return cast("Queue", app.jobs)


@asynccontextmanager
async def working(
    app: Application, handlers: Mapping[str, Handler], options: WorkerOptions = QUICK
) -> AsyncIterator[Worker]:
    """A worker on the application's queue; at the end it is stopped, and has handed everything back."""
    worker = Worker(app, queue_of(app), options=options, handlers=handlers)
    running = asyncio.ensure_future(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running
