"""MCP over server-sent events, the transport that came before: `GET /sse` and `POST /messages/`, in every namespace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.lowlevel.server import Server
from mcp.server.sse import SseServerTransport
from starlette.types import Message, Receive, Scope, Send

from agent_memory_server.interfaces.mcp.door import Door
from agent_memory_server.interfaces.mcp.http import Entrance, told
from agent_memory_server.interfaces.mcp.library import library_server
from agent_memory_server.interfaces.mcp.options import McpOptions
from agent_memory_server.interfaces.mcp.paths import SSE, raw_path
from agent_memory_server.interfaces.mcp.reach import Reach
from agent_memory_server.interfaces.mcp.surface import Surface
from agent_memory_server.operations.application import Application


class Sse:
    """Both endpoints as an ASGI application. A stream belongs to the subject and namespace that opened it."""

    def __init__(self, entrance: Entrance, server: Server[Any], max_body_bytes: int) -> None:
        self._entrance = entrance
        self._server = server
        self._transport = SseServerTransport("/messages/", max_request_body_size=max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        found = SSE.fullmatch(raw_path(scope))
        if found is None:
            await told(404, "Not Found", "not_found")(scope, receive, send)
            return
        refusal = await self._entrance.admit(scope, found["namespace"])
        if refusal is not None:
            await refusal(scope, receive, send)
        elif found["end"] == "messages":
            await self._transport.handle_post_message(scope, receive, send)
        elif scope["method"] != "GET":
            await told(405, "Method Not Allowed", "method_not_allowed", Allow="GET")(scope, receive, send)
        else:
            await self._stream(scope, found["place"] or "", receive, send)

    async def _stream(self, scope: Scope, place: str, receive: Receive, send: Send) -> None:
        # The library sends the client to its messages below this path, in the same namespace.
        placed = {**scope, "root_path": scope.get("root_path", "") + place}
        ending = _Ending(send)
        async with self._transport.connect_sse(placed, receive, ending.send) as (reading, writing):
            await self._server.run(reading, writing, self._server.create_initialization_options())
        await ending.complete()


class _Ending:
    """Ends a response that was begun: left open when the server stops, as the library does, it looks like a fault."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._open = False

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self._open = True
        elif message["type"] == "http.response.body":
            self._open = message.get("more_body", False)
        await self._send(message)

    async def complete(self) -> None:
        """Send the end, if it has not been sent."""
        if self._open:
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def open_sse(app: Application, options: McpOptions, reach: Reach) -> AsyncIterator[Sse]:
    """The endpoints, serving until the context ends."""
    door = Door(app)

    async def ready() -> Door:
        return door

    yield Sse(Entrance(app, options, reach), library_server(Surface(ready)), options.max_body_bytes)
