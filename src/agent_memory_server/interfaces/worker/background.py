"""Everything that runs beside the requests of a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent_memory_server.interfaces.worker.loop import Worker
from agent_memory_server.interfaces.worker.options import WorkerOptions
from agent_memory_server.interfaces.worker.sweep import run_sweeps
from agent_memory_server.interfaces.worker.upkeep import Pace, run_upkeep
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.jobs import Claims


@asynccontextmanager
async def background(
    app: Application, claims: Claims, options: WorkerOptions, *, pace: Pace | None = None
) -> AsyncIterator[None]:
    """Upkeep, the sweep and a worker, as long as the context lasts; at its end running jobs are given time to end."""
    worker = Worker(app, claims, options=options)
    async with asyncio.TaskGroup() as tasks:
        upkeep = tasks.create_task(run_upkeep(app, pace=pace), name="upkeep")
        sweeps = tasks.create_task(run_sweeps(app, every_s=options.sweep_every_s), name="sweeps")
        tasks.create_task(worker.run(), name="worker")
        try:
            yield
        finally:
            worker.stop()
            sweeps.cancel()
            upkeep.cancel()
