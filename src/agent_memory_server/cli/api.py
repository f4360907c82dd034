"""`agent-memory api`: REST and MCP over HTTP in this process, on one port."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import closing, nullcontext, suppress
from pathlib import Path

import click
import structlog
import uvicorn
from starlette.types import ASGIApp

from agent_memory_server.cli import task_backends
from agent_memory_server.cli.collector import spare_what_was_loaded
from agent_memory_server.cli.http_server import config, greeting, print_token, run, serve
from agent_memory_server.cli.listening import bound, url_of
from agent_memory_server.cli.parent import end_with_parent
from agent_memory_server.cli.start import exit_on_refusal, started
from agent_memory_server.compose.api import api_app
from agent_memory_server.compose.application import application
from agent_memory_server.compose.serving import first_token, only_queues, queues_without_a_word, serving
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.settings import Loaded, Settings
from agent_memory_server.settings.auth import decide_auth
from agent_memory_server.telemetry import log as events

log = structlog.get_logger()


@click.command(short_help="Run the server: REST, and MCP at /mcp.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 picks a free one. Default: PORT, else 8000.")
@click.option("--host", help="Address to listen on. Default: HOST, else 127.0.0.1.")
@click.option("--reload", is_flag=True, help="Start again when the source changes (for development).")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that answer requests, all on the same data folder; each has its own copy of the model.",
)
@task_backends.option("docket with REDIS_URL, asyncio on a data folder")
@click.option("--no-worker", is_flag=True, help="Deprecated: the same as --task-backend asyncio.")
def api(
    port: int | None, host: str | None, reload: bool, workers: int, task_backend: str | None, no_worker: bool
) -> None:
    """Run the server, REST and MCP, until Ctrl-C or SIGTERM.

    On a loopback address no token is needed; on any other one the server asks for tokens, and prints a first one when
    there is none yet.
    """
    if reload and workers > 1:
        raise click.UsageError("--reload runs one process: leave --workers out")
    if no_worker:
        click.echo("--no-worker is deprecated: use --task-backend asyncio.", err=True)
    task_backends.choose("asyncio" if no_worker else task_backend)
    # Options are settings, spelt on the command line: they go through the same checks.
    os.environ.update({"HOST": host} if host is not None else {})
    os.environ.update({"PORT": str(port)} if port is not None else {})
    with exit_on_refusal():
        loaded = started()
        decide_auth(loaded.settings.auth, loaded.settings.server.host)  # a contradiction is told before anything starts
        if loaded.without_effect:
            log.warning(events.SETTINGS_WITHOUT_EFFECT, names=loaded.without_effect)
        with closing(bound(loaded.settings.server.host, loaded.settings.server.port)) as listener:
            if reload:
                _reloading(loaded.settings, listener)
            elif workers > 1:
                _several(loaded.settings, listener, workers)
            else:
                _run(loaded, listener)


def _run(loaded: Loaded, listener: socket.socket) -> None:
    settings = loaded.settings

    async def work() -> None:
        async with serving(settings, only_queue=queues_without_a_word(settings)) as app:
            application = api_app(settings, opened=app, on_first_token=print_token)
            await serve(application, listener, _greeting(settings, listener))

    run(work, listener, settings.server.host)


def _greeting(settings: Settings, listener: socket.socket) -> str:
    url = url_of(listener, settings.server.host)
    lines = {"URL": url, "MCP": f"{url}/mcp"}
    if only_queues(settings, unless_said=queues_without_a_word(settings)):
        lines["Work"] = "queued: keep an `agent-memory task-worker` running, or use --task-backend asyncio"
    return greeting(settings, settings.server.host, lines)


def _reloading(settings: Settings, listener: socket.socket) -> None:
    """Run the server in a child process that is replaced when a source file changes."""
    watching = config("agent_memory_server.cli.api:reloaded", factory=True)
    watching.reload_dirs = [Path(__file__).resolve().parent.parent]
    listener.set_inheritable(True)
    click.echo(_greeting(settings, listener))
    uvicorn.supervisors.ChangeReload(watching, target=uvicorn.Server(watching).run, sockets=[listener]).run()


def _several(settings: Settings, listener: socket.socket, workers: int) -> None:
    """Run the server in several child processes; one that dies is replaced."""

    async def look() -> None:
        async with (
            application(settings, embedding=False) as app,
            first_token(app, settings, settings.server.host, print_token),
        ):
            return

    # What refuses a start is told here, once: children would be started again and again. They wait for Redis alone.
    with suppress(Unavailable) if settings.redis.url is not None else nullcontext():
        asyncio.run(look())
    each = config("agent_memory_server.cli.api:reloaded", factory=True)
    each.workers = workers
    listener.set_inheritable(True)
    click.echo(_greeting(settings, listener))
    uvicorn.supervisors.Multiprocess(each, sockets=[listener]).run()


def reloaded() -> ASGIApp:
    """What a child process serves; its settings come from the environment again."""
    end_with_parent()
    with exit_on_refusal():
        app = api_app(started().settings, on_first_token=print_token)
        spare_what_was_loaded()
        return app
    raise AssertionError  # exit_on_refusal either returned or ended the process
