"""The API's own description: the failures of each route, the credential, and examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from agent_memory_client.models import ErrorResponse

_MEANINGS: Mapping[int, str] = {
    400: "The request is well formed but cannot be carried out as asked.",
    401: "No credential, or one that is not valid.",
    403: "The credential does not grant this.",
    404: "There is no such thing within the scope of the caller.",
    409: "The stored state is not what the request assumed: read again, then decide.",
    413: "The request body is larger than the server accepts.",
    422: "The request breaks a rule of the format; `detail` lists the members at fault.",
    503: "A part that the request needs does not work now: wait, then try again.",
    504: "A part that the request needs did not answer in time: wait, then try again.",
}
_CODES: Mapping[int, str] = {
    400: "request_refused",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    503: "unavailable",
    504: "deadline_exceeded",
}
_INVALID = {
    "detail": [
        {
            "type": "less_than_equal",
            "loc": ["body", "limit"],
            "msg": "Input should be less than or equal to 100",
            "input": 101,
            "ctx": {"le": 100},
        }
    ],
    "code": "invalid_request",
}

Responses = dict[int | str, dict[str, Any]]


def _example_of(status: int) -> dict[str, Any]:
    if status == 422:
        return _INVALID
    example: dict[str, Any] = {"detail": _MEANINGS[status], "code": _CODES[status]}
    return {**example, "retryable": True} if status in {503, 504} else example


def responses(
    *statuses: int, ok: Mapping[str, Any] | list[Any] | None = None, headers: Mapping[str, str] | None = None
) -> Responses:
    """The answers of a guarded route: those every one of them can give, and further `statuses`.

    ok: an example of success. headers: what success may carry, name → description.
    """
    described: Responses = {
        status: {
            "model": ErrorResponse,
            "description": _MEANINGS[status],
            "content": {"application/json": {"example": _example_of(status)}},
        }
        for status in sorted({401, 403, 413, 422, 503, 504, *statuses})
    }
    success: dict[str, Any] = {"description": "Done."}
    if ok is not None:
        success["content"] = {"application/json": {"example": ok}}
    if headers:
        success["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
        }
    return {200: success, **described}


def header(name: str, description: str) -> dict[str, Any]:
    """A request header that a route reads, as a parameter."""
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "1 to 255 visible ASCII characters of your choice. Sent again with the same key, a request that succeeded is not "
    "carried out again: it gets the same answer, with the header `Idempotency-Replayed: true`.",
)
IF_MATCH = header("If-Match", 'Change only this revision, for example `"3"`; 409 when another one is stored.')
IF_NONE_MATCH = header("If-None-Match", "`*`: store only where nothing is stored yet; 409 otherwise.")
ETAG = {"ETag": "The revision, to be sent back as `If-Match`."}


def parameters(*headers: dict[str, Any]) -> dict[str, Any]:
    """`openapi_extra` of a route that reads these headers."""
    return {"parameters": list(headers)}


OPEN: dict[str, Any] = {"security": []}
"""`openapi_extra` of a route that asks for no credential."""

_SECURITY: Mapping[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token; `agent-memory token add` makes one.",
    },
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same token in another header."},
}


def describe(app: FastAPI) -> None:
    """Let the application's description name the credentials. It is built once, when it is first asked for."""
    build = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = build()
            schema.setdefault("components", {})["securitySchemes"] = dict(_SECURITY)
            schema["security"] = [{name: []} for name in _SECURITY]
            app.openapi_schema = schema
        return app.openapi_schema

    # FastAPI documents this assignment as the way to extend the description.
    app.openapi = described  # type: ignore[method-assign]
