"""The server of `agent-memory mcp` over HTTP as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from starlette.types import ASGIApp

from agent_memory_server.compose.doors import mcp_options, mcp_reach
from agent_memory_server.interfaces.mcp.http import open_streamable
from agent_memory_server.interfaces.mcp.sse import open_sse
from agent_memory_server.operations.application import Application
from agent_memory_server.settings import Settings

HttpMode = Literal["sse", "streamable-http"]


@asynccontextmanager
async def mcp_app(settings: Settings, mode: HttpMode, app: Application) -> AsyncIterator[ASGIApp]:
    """The endpoints of a mode on a running application. Raises: SettingsError."""
    host = settings.mcp.host
    opening = open_sse if mode == "sse" else open_streamable
    async with opening(app, mcp_options(settings, host), mcp_reach(settings, host)) as endpoint:
        yield endpoint
