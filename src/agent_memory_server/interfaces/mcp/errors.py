"""Failures as tool errors: what happened, and what to do next, in words a model can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent_memory_server.domain.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    MemoryServerError,
    NotFound,
    RateLimited,
    RequestRefused,
    StartRefused,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from agent_memory_server.interfaces.status import status_of

META_KEY = "agent-memory/error"
"""In the `_meta` of a failed call: code, status and retryable, for programs."""

ADVICE: Mapping[type[MemoryServerError], str] = {
    InvalidRequest: "Correct the arguments and call again.",
    RequestRefused: "Change what you ask for.",
    Unauthenticated: "The user must configure a valid token for this server.",
    Forbidden: "Name a namespace and user that the token grants, or ask the user for another token.",
    NotFound: "Ids are exact: search for the memory to learn its id.",
    Conflict: "It was changed meanwhile: read it again, then decide.",
    TooLarge: "Send less in one call.",
    RateLimited: "Wait a few seconds, then call again.",
    Unavailable: "This is an outage, not an empty memory: wait a few seconds, then call again; do not answer as if "
    "nothing were stored.",
    StartRefused: "The user must correct the server's configuration.",
}


def _advice(error: MemoryServerError) -> str:
    return next((ADVICE[cls] for cls in type(error).__mro__ if cls in ADVICE), "")


def _failed(tool: str, reason: str, meta: Mapping[str, Any]) -> dict[str, Any]:
    text = f"Error executing tool {tool}: {reason}"
    return {"content": [{"type": "text", "text": text}], "isError": True, "_meta": {META_KEY: meta}}


def failure(tool: str, error: MemoryServerError) -> dict[str, Any]:
    """The result of a call that failed in a way the product speaks of."""
    status = status_of(error)
    sentence = str(error).rstrip(".")
    meta = {"code": error.code, "status": status, "retryable": error.retryable}
    return _failed(tool, f"{status}: {sentence}. {_advice(error)}", meta)


def fault(tool: str, error_id: str) -> dict[str, Any]:
    """The result of a call that met a fault of the server: an id to quote, and nothing about its cause."""
    meta = {"code": MemoryServerError.code, "status": 500, "retryable": False}
    return _failed(tool, f"500: a fault of the server; its log has the error id {error_id}.", meta)


def unknown_tool(name: str) -> dict[str, Any]:
    """The result of calling a tool that does not exist."""
    text = f"Unknown tool: {name[:128]}"
    return {"content": [{"type": "text", "text": text}], "isError": True}
