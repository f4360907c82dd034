"""An ASGI application on a socket of this process, until Ctrl-C or SIGTERM; and what a server says when it starts."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import click
import structlog
import uvicorn
from starlette.types import ASGIApp

from agent_memory_server import __version__
from agent_memory_server.cli.collector import spare_what_was_loaded
from agent_memory_server.cli.listening import url_of
from agent_memory_server.cli.place import data_place
from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.operations.credentials import NewToken
from agent_memory_server.settings import Settings
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
            spare_what_was_loaded()
            click.echo(self._greeting)
            log.info(events.STARTED, version=__version__)

    def exit_soon(self) -> None:
        """Stop once what is being answered is answered; before the start is over, right after it."""
        self.should_exit = True


async def serve(app: ASGIApp, listener: socket.socket, greeting: str, *, grace_s: int = GRACE_S) -> None:
    """Serve until a signal to stop. What the caller opened is closed by the caller, after this."""
    server = _Server(config(app, grace_s=grace_s), greeting)
    # uvicorn puts these handlers back and raises the signal again when it has stopped; the default ones would end the
    # process before the data folder is closed.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: server.exit_soon())
    await server.serve([listener])


def run(work: Callable[[], Coroutine[Any, Any, None]], listener: socket.socket, host: str) -> None:
    """Run a server to its end on the fastest event loop there is. Raises: StartRefused, when the port is taken."""
    with asyncio.Runner(loop_factory=config("").get_loop_factory()) as runner:
        try:
            runner.run(work())
        except OSError as exc:  # between binding and listening another server took the port
            raise StartRefused(f"cannot listen on {url_of(listener, host)}: {exc.strerror}") from exc
    log.info(events.STOPPED)


def config(app: ASGIApp | str, *, factory: bool = False, grace_s: int = GRACE_S) -> uvicorn.Config:
    """How every server of ours runs. app: the application, or where a factory for it is."""
    return uvicorn.Config(
        app,
        factory=factory,
        reload=factory,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=grace_s,
    )


def greeting(settings: Settings, host: str, addresses: dict[str, str]) -> str:
    """What a server says when it listens. addresses: what is found where."""
    decision = decide_auth(settings.auth, host)
    if decision.mode is AuthMode.TOKEN:
        access = "tokens (agent-memory token add makes one)"
    elif is_loopback(host):
        access = "off: only this machine can reach it"
    else:
        access = "OFF: anyone who reaches this address can read and change everything"
    lines = {**addresses, **dict([data_place(settings)]), "Access": access}
    return "\n".join(
        [f"Agent Memory Server {__version__}", *(f"  {name:<12} {value}" for name, value in lines.items())]
    )


def print_token(new: NewToken) -> None:
    """Show the first token of a server."""
    click.echo(f"First token, with all rights, shown only now: {new.secret}")
