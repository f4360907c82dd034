"""`agent-memory api`: the REST server in this process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import closing
from pathlib import Path

import click
import structlog
import uvicorn
from fastapi import FastAPI

from agent_memory_server import __version__
from agent_memory_server.cli.listening import bound, url_of
from agent_memory_server.cli.run import exit_on_refusal, started
from agent_memory_server.compose.rest import rest_app, serving
from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.operations.credentials import NewToken
from agent_memory_server.settings import Loaded, Settings
from agent_memory_server.settings.auth import AuthMode, decide_auth, is_loopback
from agent_memory_server.telemetry import log as events

GRACE_S = 10
"""How long requests may go on after a signal to stop."""

log = structlog.get_logger()


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then greet."""
        await super().startup(sockets)
        if self.started:
            click.echo(self._greeting)
            log.info(events.STARTED, version=__version__)

    def exit_soon(self) -> None:
        """Stop once what is being answered is answered; before the start is over, right after it."""
        self.should_exit = True


@click.command(short_help="Run the REST server.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 picks a free one. Default: PORT, else 8000.")
@click.option("--host", help="Address to listen on. Default: HOST, else 127.0.0.1.")
@click.option("--reload", is_flag=True, help="Start again when the source changes (for development).")
@click.option(
    "--task-backend",
    type=click.Choice(["asyncio", "docket"]),
    default="asyncio",
    show_default=True,
    help="Where background work runs. docket needs Redis and is refused in this version.",
)
@click.option("--no-worker", is_flag=True, help="Deprecated: the same as --task-backend asyncio.")
def api(port: int | None, host: str | None, reload: bool, task_backend: str, no_worker: bool) -> None:
    """Run the REST server until Ctrl-C or SIGTERM.

    On a loopback address no token is needed; on any other one the server asks for tokens, and prints a first one when
    there is none yet. Background work runs in this process.
    """
    if no_worker:
        click.echo("--no-worker is deprecated and changes nothing: background work runs in this process.", err=True)
    elif task_backend == "docket":
        raise click.UsageError("--task-backend docket needs Redis, which is not part of this version; leave it out")
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
            else:
                _run(loaded, listener)


def _run(loaded: Loaded, listener: socket.socket) -> None:
    settings = loaded.settings

    async def run() -> None:
        async with serving(settings) as app:
            config = _config(rest_app(settings, opened=app, on_bootstrap=_print_token))
            server = _Server(config, _greeting(settings, listener))
            # uvicorn puts these handlers back and raises the signal again when it has stopped; the default ones would
            # end the process before the data folder is closed.
            for ending in (signal.SIGINT, signal.SIGTERM):
                signal.signal(ending, lambda *_: server.exit_soon())
            await server.serve([listener])
        log.info(events.STOPPED)

    with asyncio.Runner(loop_factory=_config("").get_loop_factory()) as runner:
        try:
            runner.run(run())
        except OSError as exc:  # between binding and listening another server took the port
            raise StartRefused(f"cannot listen on {url_of(listener, settings.server.host)}: {exc.strerror}") from exc


def _config(app: FastAPI | str, *, factory: bool = False) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=factory,
        reload=factory,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=GRACE_S,
    )


def _greeting(settings: Settings, listener: socket.socket) -> str:
    decision = decide_auth(settings.auth, settings.server.host)
    if decision.mode is AuthMode.TOKEN:
        auth = "tokens (agent-memory token add makes one)"
    elif is_loopback(settings.server.host):
        auth = "off: only this machine can reach it"
    else:
        auth = "OFF: anyone who reaches this address can read and change everything"
    return (
        f"Agent Memory Server {__version__}\n"
        f"  URL          {url_of(listener, settings.server.host)}\n"
        f"  Data folder  {settings.storage.data_dir}\n"
        f"  Access       {auth}"
    )


def _print_token(new: NewToken) -> None:
    click.echo(f"First token, with all rights, shown only now: {new.secret}")


def _reloading(settings: Settings, listener: socket.socket) -> None:
    """Run the server in a child process that is replaced when a source file changes."""
    config = _config("agent_memory_server.cli.api:reloaded", factory=True)
    config.reload_dirs = [Path(__file__).resolve().parent.parent]
    listener.set_inheritable(True)
    click.echo(_greeting(settings, listener))
    uvicorn.supervisors.ChangeReload(config, target=uvicorn.Server(config).run, sockets=[listener]).run()


def reloaded() -> FastAPI:
    """What a child process of --reload serves; its settings come from the environment again."""
    with exit_on_refusal():
        return rest_app(started().settings, on_bootstrap=_print_token)
    raise AssertionError  # exit_on_refusal either returned or ended the process
