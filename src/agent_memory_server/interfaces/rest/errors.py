"""Failures as HTTP answers, one shape for every body.

`detail` is a sentence, or for 422 the list of what is wrong with the request's members; `code` names the failure
for programs. A failure that is the server's own fault (500) says nothing but an id to quote.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from agent_memory_server.domain.errors import InvalidRequest, MemoryServerError
from agent_memory_server.interfaces.status import status_of

ERROR_CODE = "agent_memory.error"
"""Key in the ASGI scope: the code of the failure that was answered, for the log line of the request."""

RETRY_AFTER_S = 5
_CODES = {401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_MOST_ERRORS = 100
_LONGEST_INPUT = 200
_PATH_PART = re.compile(r"[^.\[\]]+")


def body_of(members: Mapping[str, Any]) -> bytes:
    """JSON that never fails: text the request brought along may hold what UTF-8 cannot, so all of it is escaped."""
    return json.dumps(members, separators=(",", ":"), default=str).encode("ascii")


def _respond(
    request: Request, status: int, detail: Any, code: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    request.scope[ERROR_CODE] = code
    members: dict[str, Any] = {"detail": detail, "code": code}
    if status in {429, 503, 504}:
        members["retryable"] = True
        headers = {**(headers or {}), "Retry-After": str(RETRY_AFTER_S)}
    return Response(body_of(members), status, headers, "application/json")


def _location(request: Request, field: str | None) -> list[str | int]:
    source = "query" if request.method in {"GET", "DELETE"} else "body"
    parts: list[str | int] = [int(p) if p.isdecimal() else p for p in _PATH_PART.findall(field or "")]
    return parts if parts and parts[0] in {"header", "path", "query", "body"} else [source, *parts]


async def on_domain_error(request: Request, exc: Exception) -> Response:
    """The answer to a failure the product speaks of."""
    if not isinstance(exc, MemoryServerError):
        raise exc
    status = status_of(exc)
    if status == 500:
        raise exc
    if isinstance(exc, InvalidRequest):
        error = {
            "type": "value_error",
            "loc": _location(request, exc.field),
            "msg": f"Value error, {exc}",
            "ctx": {"error": {}},
        }
        return _respond(request, status, [error], exc.code)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return _respond(request, status, str(exc), exc.code, headers=headers)


def _plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)


def _shown(value: Any) -> Any:
    return value[:_LONGEST_INPUT] if isinstance(value, str) else value


def _member_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of a 422: objects and lists of the request are not sent back, nor more than the start of a text."""
    shown: dict[str, Any] = {"type": error["type"], "loc": list(error["loc"]), "msg": error["msg"]}
    given = error.get("input")
    if _plain(given) and "input" in error:
        shown["input"] = _shown(given)
    context = error.get("ctx")
    if context:
        shown["ctx"] = {name: _shown(value) if _plain(value) else {} for name, value in context.items()}
    return shown


def _member_errors(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_member_error(error) for _, error in zip(range(_MOST_ERRORS), errors, strict=False)]


async def on_invalid(request: Request, exc: Exception) -> Response:
    """The answer to a request that does not fit its model."""
    if not isinstance(exc, RequestValidationError):
        raise exc
    return _respond(request, 422, _member_errors(exc.errors()), InvalidRequest.code)


def _allowed(request: Request) -> str:
    """Methods of all routes with this path: the framework names those of the first one only."""
    path = request.scope["path"]
    methods = {
        method
        for route in request.app.router.routes
        if getattr(route, "path_regex", None) and route.path_regex.match(path)
        for method in route.methods or ()
    }
    return ", ".join(sorted(methods - {"HEAD"}))


async def on_http_error(request: Request, exc: Exception) -> Response:
    """The answer to what the framework refuses: no such path, wrong method, unreadable or oversized body."""
    if not isinstance(exc, HTTPException):
        raise exc
    headers = dict(exc.headers or {})
    if exc.status_code == 405:
        headers["Allow"] = _allowed(request)
    code = _CODES.get(exc.status_code, InvalidRequest.code)
    return _respond(request, exc.status_code, exc.detail, code, headers=headers)


def internal_error(error_id: str) -> Response:
    """The answer to a fault of the server: an id to quote, and nothing about its cause."""
    return PlainTextResponse(HTTPStatus.INTERNAL_SERVER_ERROR.phrase, 500, {"X-Error-ID": error_id})


def add_to(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(MemoryServerError, on_domain_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)
