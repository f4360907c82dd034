"""`agent-memory task-worker`: a process that does background work and serves nobody."""

from __future__ import annotations

import asyncio
import os
import signal

import click
import structlog

from agent_memory_server import __version__
from agent_memory_server.cli.place import data_place
from agent_memory_server.cli.start import exit_on_refusal, started
from agent_memory_server.compose.serving import working
from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.settings import Settings
from agent_memory_server.telemetry import log as events

_ENDING = (signal.SIGINT, signal.SIGTERM)

log = structlog.get_logger()


@click.command(name="task-worker", short_help="Do the background work of servers.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    help="Jobs running at the same time. Default: WORKER_CONCURRENCY, else 10.",
)
@click.option(
    "--redelivery-timeout",
    type=click.IntRange(1, 86_400),
    help="Seconds without a sign of life after which another worker takes over a job of this one. "
    "Default: WORKER_LEASE_SECONDS, else 30.",
)
def task_worker(concurrency: int | None, redelivery_timeout: int | None) -> None:
    """Do background work until Ctrl-C or SIGTERM, beside servers of the same store and any number of other workers.

    Running jobs get WORKER_DRAIN_SECONDS to end; then they are handed back to the queue. A second signal does that at
    once.
    """
    # Options are settings, spelt on the command line: they go through the same checks.
    os.environ.update({"WORKER_CONCURRENCY": str(concurrency)} if concurrency is not None else {})
    os.environ.update({"WORKER_LEASE_SECONDS": str(redelivery_timeout)} if redelivery_timeout is not None else {})
    with exit_on_refusal():
        loaded = started()
        if loaded.settings.tasks.docket is False:
            raise StartRefused("Docket is disabled in settings. Cannot run worker. Set USE_DOCKET=true, or unset it.")
        if loaded.without_effect:
            log.warning(events.SETTINGS_WITHOUT_EFFECT, names=loaded.without_effect)
        asyncio.run(_work(loaded.settings))
    log.info(events.STOPPED)


async def _work(settings: Settings) -> None:
    stopping = asyncio.Event()
    working_task = asyncio.current_task()

    def stop() -> None:
        if stopping.is_set() and working_task is not None:
            working_task.cancel()
        stopping.set()

    for ending in _ENDING:
        asyncio.get_running_loop().add_signal_handler(ending, stop)
    try:
        async with working(settings):
            click.echo(_greeting(settings))
            log.info(events.STARTED, version=__version__)
            await stopping.wait()
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise


def _greeting(settings: Settings) -> str:
    lines = {**dict([data_place(settings)]), "At once": f"{settings.worker.concurrency} jobs"}
    told = (f"  {name:<12} {value}" for name, value in lines.items())
    return "\n".join([f"Agent Memory Server {__version__}, background work", *told])
