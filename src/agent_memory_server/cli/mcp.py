"""`agent-memory mcp`: the MCP server, on stdin and stdout or over HTTP.

A client starts the stdio server and waits for its first answer: nothing is loaded here that this answer needs not.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from importlib import import_module

import click
import structlog

from agent_memory_server.cli import task_backends
from agent_memory_server.cli.start import exit_on_refusal, started
from agent_memory_server.compose.stdio import serve_stdio
from agent_memory_server.interfaces.mcp.stdio import protocol_streams
from agent_memory_server.settings import Loaded
from agent_memory_server.telemetry import log as events

_HTTP = "agent_memory_server.cli.mcp_http"

log = structlog.get_logger()


@click.command(short_help="Run the MCP server: stdio, or over HTTP.")
@click.option(
    "--mode",
    type=click.Choice(["stdio", "sse", "streamable-http"]),
    default="stdio",
    show_default=True,
    help="stdio for a client that starts this command; the others listen. streamable-http serves /mcp, sse the older "
    "/sse.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 picks a free one. Default: MCP_PORT, else 9000.")
@click.option("--host", help="Address to listen on. Default: MCP_HOST, else 127.0.0.1.")
@task_backends.option("asyncio")
def mcp(mode: str, port: int | None, host: str | None, task_backend: str | None) -> None:
    """Run the MCP server until the client leaves, Ctrl-C or SIGTERM. `agent-memory api` serves MCP as well, at /mcp.

    Over HTTP on a loopback address no token is needed; on any other one the server asks for tokens, and prints a first
    one when there is none yet. A namespace in the path (/{namespace}/mcp) is meant by calls that name none.
    """
    task_backends.choose(task_backend)
    os.environ.update({"MCP_HOST": host} if host is not None else {})
    os.environ.update({"MCP_PORT": str(port)} if port is not None else {})
    with exit_on_refusal():
        loaded = started()
        if loaded.without_effect:
            log.warning(events.SETTINGS_WITHOUT_EFFECT, names=loaded.without_effect)
        if mode == "stdio":
            _stdio(loaded)
        else:
            import_module(_HTTP).run_http(loaded.settings, mode)


def _stdio(loaded: Loaded) -> None:
    async def work() -> None:
        serving = asyncio.current_task()
        with suppress(NotImplementedError):  # not on every platform
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel if serving else lambda: None)
        with suppress(asyncio.CancelledError):  # a signal to stop: everything is closed, nothing is left to tell
            await serve_stdio(loaded.settings, reader, writer)

    with protocol_streams() as (reader, writer), suppress(KeyboardInterrupt):
        asyncio.run(work())
