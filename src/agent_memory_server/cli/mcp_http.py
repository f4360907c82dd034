"""The MCP server over HTTP in this process."""

from __future__ import annotations

from contextlib import closing

from agent_memory_server.cli.http_server import greeting, print_token, run, serve
from agent_memory_server.cli.listening import bound, url_of
from agent_memory_server.compose.mcp import HttpMode, mcp_app
from agent_memory_server.compose.serving import first_token, serving
from agent_memory_server.settings import Settings
from agent_memory_server.settings.auth import decide_auth

_STREAMS_GRACE_S = 2
"""A stream of events does not end by itself: waiting longer for it would only make stopping slow."""


def run_http(settings: Settings, mode: HttpMode) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises: StartRefused, SettingsError."""
    host = settings.mcp.host
    decide_auth(settings.auth, host)  # a contradiction is told before anything starts
    with closing(bound(host, settings.mcp.port)) as listener:
        path = "sse" if mode == "sse" else "mcp"
        hello = greeting(settings, host, {"MCP": f"{url_of(listener, host)}/{path}"})

        async def work() -> None:
            async with (
                serving(settings) as app,
                first_token(app, settings, host, print_token),
                mcp_app(settings, mode, app) as endpoint,
            ):
                await serve(endpoint, listener, hello, grace_s=_STREAMS_GRACE_S)

        run(work, listener, host)
