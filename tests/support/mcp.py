"""The MCP door in this process: its calls without a transport, and its endpoints on a real socket."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from starlette.types import ASGIApp

from agent_memory_server.interfaces.mcp.caller import Caller
from agent_memory_server.interfaces.mcp.door import Door
from agent_memory_server.interfaces.mcp.http import open_streamable
from agent_memory_server.interfaces.mcp.options import McpOptions
from agent_memory_server.interfaces.mcp.reach import Reach
from agent_memory_server.interfaces.mcp.sse import open_sse
from agent_memory_server.operations.application import Application
from tests.support import rest
from tests.support.processes import command, environment

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Calls:
    """Tools called without a transport."""

    app: Application
    caller: Caller = field(default_factory=Caller)

    def acting_as(self, caller: Caller) -> Calls:
        """The same application, for another caller."""
        return Calls(self.app, caller)

    async def result(self, tool: str, /, **arguments: Any) -> Json:
        """The whole result of a call."""
        return await Door(self.app).call(tool, arguments, self.caller)

    async def __call__(self, tool: str, /, **arguments: Any) -> Json:
        """What a successful call answers; its text says the same."""
        result = await self.result(tool, **arguments)
        assert not result.get("isError"), result
        members: Json = json.loads(json.dumps(result["structuredContent"]))
        assert json.loads(result["content"][0]["text"]) == members
        return members

    async def refusal(self, tool: str, /, **arguments: Any) -> str:
        """The reason of a call that fails."""
        result = await self.result(tool, **arguments)
        assert result.get("isError") is True, result
        text: str = result["content"][0]["text"]
        start = f"Error executing tool {tool}: "
        assert text.startswith(start)
        return text.removeprefix(start)

    async def remember(self, *texts: str, **members: Any) -> None:
        """Store memories whose ids are their texts."""
        await self("create_long_term_memories", memories=[{"id": text, "text": text, **members} for text in texts])

    async def found(self, text: str | None = None, **arguments: Any) -> set[str]:
        """The texts that a search answers."""
        page = await self("search_long_term_memory", text=text, **arguments)
        return {memory["text"] for memory in page["memories"]}


@asynccontextmanager
async def calls(folder: Path, **options: Any) -> AsyncIterator[Calls]:
    """Tools over the real application on a folder."""
    async with rest.application(folder, **options) as app:
        yield Calls(app)


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """An ASGI application on a port of its own; its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - the web server rings no bell
            await asyncio.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def streamable(
    app: Application, options: McpOptions | None = None, reach: Reach | None = None
) -> AsyncIterator[str]:
    """The streamable endpoint on this application; the server's address."""
    async with open_streamable(app, options or McpOptions(), reach or Reach()) as endpoint, listening(endpoint) as url:
        yield url


@asynccontextmanager
async def events(app: Application, options: McpOptions | None = None, reach: Reach | None = None) -> AsyncIterator[str]:
    """The older endpoints on this application; the server's address."""
    async with open_sse(app, options or McpOptions(), reach or Reach()) as endpoint, listening(endpoint) as url:
        yield url


@asynccontextmanager
async def client(url: str, mode: str, **headers: str) -> AsyncIterator[Client]:
    """An official client of the address; mode: "legacy" with the handshake, "auto" the newest that both know."""
    if url.endswith("/sse"):
        async with Client(sse_client(url, headers=headers), mode=mode) as connected:
            yield connected
    else:
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode) as connected,
        ):
            yield connected


def stdio_client_of(folder: Path, mode: str, **settings: str) -> Client:
    """An official client that starts `agent-memory mcp` on a data folder."""
    line = command("mcp")
    server = StdioServerParameters(command=line[0], args=line[1:], env=environment(folder, settings), cwd=folder.parent)
    return Client(stdio_client(server), mode=mode)
