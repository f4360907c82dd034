"""Everything that runs beside the requests of a process, or in a process that does background work alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent_memory_server.interfaces.worker.loop import Worker
from agent_memory_server.interfaces.worker.options import WorkerOptions
from agent_memory_server.interfaces.worker.sweep import SWEEPS, run_sweeps
from agent_memory_server.interfaces.worker.upkeep import Pace, run_upkeep
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.upkeep import sweep_embeddings
from agent_memory_server.ports.jobs import Claims


@asynccontextmanager
async def background(
    app: Application, claims: Claims, options: WorkerOptions, *, pace: Pace | None = None, embedding: bool = True
) -> AsyncIterator[None]:
    """Upkeep, the sweep and a worker, as long as the context lasts; at its end running jobs are given time to end.

    embedding: this process embeds what its own writes left owed; False: a job does it, once for all processes.
    """
    worker = Worker(app, claims, options=options)
    looks = SWEEPS if embedding else (*SWEEPS, sweep_embeddings)
    async with asyncio.TaskGroup() as tasks:
        upkeep = tasks.create_task(run_upkeep(app, pace=pace, embedding=embedding), name="upkeep")
        sweeps = tasks.create_task(run_sweeps(app, every_s=options.sweep_every_s, looks=looks), name="sweeps")
        tasks.create_task(worker.run(), name="worker")
        try:
            yield
        finally:
            worker.stop()
            sweeps.cancel()
            upkeep.cancel()


@asynccontextmanager
async def queueing(app: Application, *, pace: Pace | None = None) -> AsyncIterator[None]:
    """What is left to a process whose background work others do: it queues, and writes the accesses it noted."""
    async with asyncio.TaskGroup() as tasks:
        upkeep = tasks.create_task(run_upkeep(app, pace=pace, embedding=False), name="upkeep")
        try:
            yield
        finally:
            upkeep.cancel()
