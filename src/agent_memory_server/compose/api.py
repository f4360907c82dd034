"""The server of `agent-memory api` as an ASGI application: REST, and MCP at `/mcp`, in one process on one port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent_memory_server.compose.doors import mcp_options, mcp_reach
from agent_memory_server.compose.serving import door_auth, first_token, queues_without_a_word, serving
from agent_memory_server.domain.errors import Forbidden
from agent_memory_server.interfaces.mcp.options import McpOptions
from agent_memory_server.interfaces.mcp.paths import is_streamable
from agent_memory_server.interfaces.mcp.reach import Reach
from agent_memory_server.interfaces.rest.app import create_app
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.credentials import NewToken
from agent_memory_server.settings import Settings
from agent_memory_server.settings.auth import is_loopback

if TYPE_CHECKING:
    from agent_memory_server.interfaces.mcp.http import StreamableHttp

_HOUR_S = 3600.0
_HOSTS = 64
_OTHER_HOST = (
    "this server asks for no token and answers only under names of this machine; "
    "list the name of a reverse proxy in MCP_ALLOWED_HOSTS, or set AUTH_MODE=token"
)


class Doors:
    """Both doors. MCP's library takes as long to load as everything else, and 25 MB: the first MCP request loads it,
    and waits about half a second."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._mcp: asyncio.Future[StreamableHttp] | None = None
        self._mcp_wanted = asyncio.Event()
        self._reach = mcp_reach(settings, settings.server.host)
        # Only on a loopback address can a page's rebound name reach a server that asks nobody for a token.
        self._any_host = self._reach.any_host or not is_loopback(settings.server.host)
        # A connection repeats the same header with each request.
        self._admits = lru_cache(maxsize=_HOSTS)(self._admits_host)
        self.rest: FastAPI | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if is_streamable(scope) and self._mcp is not None:
            self._mcp_wanted.set()
            await (await asyncio.shield(self._mcp))(scope, receive, send)
        elif scope["type"] == "http" and not self._any_host and not self._admits(_host_of(scope)):
            await JSONResponse({"detail": _OTHER_HOST, "code": Forbidden.code}, 403)(scope, receive, send)
        elif self.rest is not None:
            await self.rest(scope, receive, send)

    def _admits_host(self, host: bytes) -> bool:
        return self._reach.admits_host(host.decode("latin-1"))

    @asynccontextmanager
    async def opened(self, app: Application) -> AsyncIterator[None]:
        """The MCP door on this application, as long as the context lasts."""
        self._mcp = asyncio.get_running_loop().create_future()
        closing = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._serve_mcp(app, self._mcp, closing), name="mcp")
            try:
                yield
            finally:
                closing.set()
                self._mcp_wanted.set()

    async def _serve_mcp(self, app: Application, ready: asyncio.Future[StreamableHttp], closing: asyncio.Event) -> None:
        await self._mcp_wanted.wait()
        if closing.is_set():
            return
        open_streamable = await asyncio.to_thread(_load)
        host = self._settings.server.host
        async with open_streamable(app, mcp_options(self._settings, host), self._reach) as endpoint:
            ready.set_result(endpoint)
            await closing.wait()


def _host_of(scope: Scope) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"host"), b"")


def _load() -> Callable[[Application, McpOptions, Reach], AbstractAsyncContextManager[StreamableHttp]]:
    from agent_memory_server.interfaces.mcp.http import open_streamable  # noqa: PLC0415 - slow: see `Doors`

    return open_streamable


def api_app(
    settings: Settings,
    *,
    opened: Application | None = None,
    on_first_token: Callable[[NewToken], None] = lambda _: None,
) -> ASGIApp:
    """Both doors.

    opened: an application that the caller opened and closes; by default the ASGI lifespan opens one, with upkeep.
    on_first_token: is given the first token when this process makes one (`first_token`).
    Raises: SettingsError, when the settings contradict each other; nothing is opened then.
    """
    doors = Doors(settings)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[Application]:
        async with AsyncExitStack() as stack:
            app = (
                opened
                if opened is not None
                else await stack.enter_async_context(serving(settings, only_queue=queues_without_a_word(settings)))
            )
            await stack.enter_async_context(first_token(app, settings, settings.server.host, on_first_token))
            await stack.enter_async_context(doors.opened(app))
            yield app

    options = RestOptions(
        auth=door_auth(settings, settings.server.host),
        max_body_bytes=settings.server.max_body_bytes,
        idempotency_s=settings.server.idempotency_hours * _HOUR_S,
    )
    doors.rest = create_app(lifespan, options)
    return doors
