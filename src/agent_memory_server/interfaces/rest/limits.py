"""Around every request: how large its body may be, its id, its line in the log, and what an unknown fault answers.

Two pure ASGI layers; together they cost a few microseconds.
"""

from __future__ import annotations

import itertools
import re
import time

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

from agent_memory_server.interfaces.rest.errors import ERROR_CODE, internal_error, on_http_error
from agent_memory_server.interfaces.rest.serving import CALLER, Caller
from agent_memory_server.telemetry.log import frames_of

_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)
_CLIENT = re.compile(r"[\x20-\x7e]{1,64}")
_QUIET = frozenset({"/v1/health", "/v1/health/ready"})
"""Asked every few seconds by whatever watches the process: their lines would bury the others."""

log = structlog.get_logger()


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"the request body is larger than {limit} bytes")


class BodyLimit:
    """Refuses bodies beyond a number of bytes: by their declared length at once, else when the limit is passed."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            response = await on_http_error(Request(scope), _too_large(self._max_bytes))
            await response(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise _too_large(self._max_bytes)
            return message

        await self._app(scope, counted, send)


class RequestLog:
    """Gives each request an id and one line in the log; answers what nobody else caught with 500.

    A line holds no query value, no header but the client's version, and nothing of a body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Unique by the start of the process and a count: random bytes for each request cost a system call.
        self._run = str(ULID())
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"{self._run}-{next(self._numbers)}"
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as exc:
            error_id = str(ULID())
            _log_fault(exc, error_id, request_id)
            if status:  # half an answer is out: only cutting the connection tells the client
                raise
            await internal_error(error_id)(scope, receive, noted)
        finally:
            _log_request(scope, headers, request_id, status, time.perf_counter() - started)


def _log_fault(exc: Exception, error_id: str, request_id: str) -> None:
    error = type(exc).__qualname__
    log.error("http.fault", error_id=error_id, request_id=request_id, error=error, where=frames_of(exc))


def _log_request(scope: Scope, headers: Headers, request_id: str, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", None)
    caller: Caller | None = scope.get(CALLER)
    client = headers.get("x-client-version", "")
    write = log.debug if route in _QUIET and status < 500 else log.info
    write(
        "http.request",
        method=scope["method"],
        route=route,
        status=status,
        duration_ms=round(seconds * 1000, 2),
        request_id=request_id,
        subject=caller.principal.subject if caller else None,
        error=scope.get(ERROR_CODE),
        client=client if _CLIENT.fullmatch(client) else None,
    )
