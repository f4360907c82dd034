"""One table from domain error to the HTTP status that tells it; other doors quote the same numbers."""

from __future__ import annotations

from collections.abc import Mapping

from agent_memory_server.domain.errors import (
    Conflict,
    DeadlineExceeded,
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

STATUS: Mapping[type[MemoryServerError], int] = {
    InvalidRequest: 422,
    RequestRefused: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    RateLimited: 429,
    Unavailable: 503,
    DeadlineExceeded: 504,
    StartRefused: 500,
}


def status_of(error: MemoryServerError) -> int:
    """The status of a failure, by the nearest class of the table; 500 for one that has none."""
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)
