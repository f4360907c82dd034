"""Every failure the product speaks of: what happened, and what the caller should do next.

An adapter translates its driver's exceptions into these; each interface maps them to its own
answers in one table. `code` is stable and travels on the wire; `retryable` says whether the same
request may succeed later.
"""

from __future__ import annotations

from typing import ClassVar


class MemoryServerError(Exception):
    """Root of all failures. `str(error)` is a sentence for the caller and never holds memory text."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False


class InvalidRequest(MemoryServerError):
    """The request breaks a rule of the format: fix it. `field` names the member at fault, if one is."""

    code = "invalid_request"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class RequestRefused(MemoryServerError):
    """The request is well formed but asks for something that cannot be done as asked."""

    code = "request_refused"


class Unauthenticated(MemoryServerError):
    """No credential, or one that is not valid (any more)."""

    code = "unauthenticated"


class Forbidden(MemoryServerError):
    """The credential is valid and does not grant this."""

    code = "forbidden"


class NotFound(MemoryServerError):
    """There is no such thing within the scope of the caller."""

    code = "not_found"


class Conflict(MemoryServerError):
    """The stored state is not what the request assumed: read again, then decide."""

    code = "conflict"


class TooLarge(MemoryServerError):
    """The request is larger than a documented limit."""

    code = "too_large"


class RateLimited(MemoryServerError):
    """Too many requests: wait, then try again."""

    code = "rate_limited"
    retryable = True


class Unavailable(MemoryServerError):
    """A part the request needs does not work now: wait, then try again."""

    code = "unavailable"
    retryable = True


class DeadlineExceeded(Unavailable):
    """A part the request needs did not answer in time: wait, then try again."""

    code = "deadline_exceeded"


class StartRefused(MemoryServerError):
    """The process must not start like this. The message names the setting or file, and the remedy."""

    code = "start_refused"
