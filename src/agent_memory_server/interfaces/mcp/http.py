"""MCP over HTTP: `/mcp` and `/{namespace}/mcp`, stateless, for both generations of the protocol.

A request stands alone: nothing is kept between two of them, so a client may reconnect, come with the id of a session of
yesterday, or leave out the handshake, and any process behind a balancer can answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import unquote

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agent_memory_client.models.fields import ScopeValue
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.domain.principal import Principal
from agent_memory_server.interfaces.auth import authenticator
from agent_memory_server.interfaces.mcp.caller import Caller
from agent_memory_server.interfaces.mcp.door import Door
from agent_memory_server.interfaces.mcp.library import bind, library_server
from agent_memory_server.interfaces.mcp.options import McpOptions
from agent_memory_server.interfaces.mcp.paths import STREAMABLE, raw_path
from agent_memory_server.interfaces.mcp.reach import Reach
from agent_memory_server.interfaces.mcp.surface import Surface
from agent_memory_server.interfaces.status import status_of
from agent_memory_server.operations.application import Application

_RETRY_AFTER_S = "5"
_NAMESPACE: TypeAdapter[str] = TypeAdapter(ScopeValue)
_BOTH_KINDS = b"application/json, text/event-stream"


Handle = Callable[[Scope, Receive, Send], Awaitable[None]]


def namespace_of(segment: str | None) -> str | None:
    """The namespace that a part of the path names; None for none. Raises: ValueError, when it can be none."""
    if segment is None:
        return None
    try:
        return _NAMESPACE.validate_python(unquote(segment, errors="strict"))
    except ValidationError as exc:
        raise ValueError("no namespace") from exc


def told(status: int, detail: str, code: str, **headers: str) -> Response:
    """A refusal, in the shape of the REST server's."""
    return Response(to_json({"detail": detail, "code": code}), status, headers, "application/json")


class Entrance:
    """What every request must pass, on every transport: host and origin, then the credential."""

    def __init__(self, app: Application, options: McpOptions, reach: Reach) -> None:
        self._app = app
        self._options = options
        self._reach = reach
        self._authenticate = authenticator(options.auth)

    async def admit(self, scope: Scope, segment: str | None) -> Response | None:
        """Bind the request to its caller, or give the refusal. segment: the part of the path that names a namespace."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host"), headers.get("origin")
        if not self._reach.admits_host(host):
            return told(421, "this Host is not known here: add it to MCP_ALLOWED_HOSTS", "misdirected")
        if not self._reach.admits_origin(origin, host):
            return told(403, "this Origin is not allowed here: add it to MCP_ALLOWED_ORIGINS", "forbidden")
        try:
            namespace = namespace_of(segment)
        except ValueError:
            return told(404, "the path names no namespace that can exist", "not_found")
        try:
            principal = await self._authenticate(self._app, headers)
        except MemoryServerError as exc:
            return _unauthenticated(exc)
        bind(scope, self._caller(principal, namespace))
        return None

    def _caller(self, principal: Principal, namespace: str | None) -> Caller:
        return Caller(
            principal=principal,
            namespace=namespace or self._options.namespace,
            user_id=self._options.user_id,
            bound=namespace is not None,
        )


def _unauthenticated(error: MemoryServerError) -> Response:
    status = status_of(error)
    if status == 401:
        return told(status, str(error), error.code, **{"WWW-Authenticate": "Bearer"})
    return told(status, str(error), error.code, **{"Retry-After": _RETRY_AFTER_S})


class StreamableHttp:
    """The endpoint as an ASGI application. Made by `open_streamable`, closed with it."""

    def __init__(self, entrance: Entrance, events: Handle, plain: Handle) -> None:
        self._entrance = entrance
        self._events = events
        self._plain = plain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        found = STREAMABLE.fullmatch(raw_path(scope))
        if found is None:
            await told(404, "Not Found", "not_found")(scope, receive, send)
            return
        refusal = await self._entrance.admit(scope, found["namespace"]) or _without_message(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        serve = self._events if _reads_events(scope) else self._plain
        await serve(_accepting(scope), receive, send)


def _without_message(scope: Scope) -> Response | None:
    """The answer to a request that brings no message. There is never anything to push, so a stream that waits for it
    would only hold a connection; and there is no session to end, which is no failure."""
    match scope["method"]:
        case "POST":
            return None
        case "DELETE":
            return Response(status_code=204)
        case _:
            return told(405, "Method Not Allowed", "method_not_allowed", Allow="POST, DELETE")


def _reads_events(scope: Scope) -> bool:
    return "text/event-stream" in Headers(scope=scope).get("accept", "").lower()


def _accepting(scope: Scope) -> Scope:
    """The request with both kinds of answer accepted: the library refuses clients that name only one, or none."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept"]
    return {**scope, "headers": [*headers, (b"accept", _BOTH_KINDS)]}


@asynccontextmanager
async def open_streamable(app: Application, options: McpOptions, reach: Reach) -> AsyncIterator[StreamableHttp]:
    """The endpoint, serving until the context ends."""
    door = Door(app)

    async def ready() -> Door:
        return door

    server = library_server(Surface(ready))
    events, plain = (
        StreamableHTTPSessionManager(
            server, stateless=True, json_response=as_json, max_request_body_size=options.max_body_bytes
        )
        for as_json in (False, True)
    )
    async with events.run(), plain.run():
        yield StreamableHttp(Entrance(app, options, reach), events.handle_request, plain.handle_request)
