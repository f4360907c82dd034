"""Finding work that is owed in the stored state and that no job stands for.

The queue is a hint: emptied or lost, it is filled again from here. Each entry of `SWEEPS` reads what is owed and queues
jobs, with the keys that the writes themselves use, so what waits already is not queued twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.interfaces.worker.schedule import ensure
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.extract import sweep_extractions
from agent_memory_server.operations.label import sweep_labels
from agent_memory_server.operations.summarize import sweep_summaries
from agent_memory_server.operations.views import sweep_tasks

Sweep = Callable[[Application], Awaitable[object]]

SWEEPS: tuple[Sweep, ...] = (sweep_extractions, sweep_summaries, sweep_labels, sweep_tasks)

log = structlog.get_logger()


async def sweep(app: Application, looks: tuple[Sweep, ...] = SWEEPS) -> None:
    """Look once: periodic work, then every entry; one that fails keeps none of the others from looking."""
    for entry in (ensure, *looks):
        try:
            await entry(app)
        except MemoryServerError as exc:
            log.warning("sweep.failed", sweep=getattr(entry, "__name__", repr(entry)), code=exc.code, reason=str(exc))


async def run_sweeps(app: Application, *, every_s: float, looks: tuple[Sweep, ...] = SWEEPS) -> None:
    """Look now, and at intervals, until cancelled."""
    while True:
        await sweep(app, looks)
        await asyncio.sleep(every_s)
