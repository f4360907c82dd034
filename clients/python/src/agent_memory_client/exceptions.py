"""Everything a call can raise, under one root; rebuilt from the stable `code` of the server's answer."""

from __future__ import annotations

from typing import Final


class MemoryClientError(Exception):
    """Root of all errors of this package. `retryable`: the same call may succeed later."""

    retryable: bool = False


class MemoryValidationError(MemoryClientError, ValueError):
    """The request breaks a rule of the format; nothing was sent, unless it is a MemoryInvalidRequestError."""


class MemoryConnectionError(MemoryClientError):
    """The server could not be reached, or the connection broke; whether it carried out the request is not known."""

    retryable = True


class MemoryTimeoutError(MemoryConnectionError):
    """The server did not answer in time; whether it carried out the request is not known."""


class _Answered(MemoryClientError):
    """An error that the server answered.

    status_code: HTTP status. code: the server's name of the failure, None when it gave none. error_id: what to quote
    to the server's operators, when the fault is there.
    """

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        *,
        code: str | None = None,
        retryable: bool | None = None,
        error_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.code = code
        self.error_id = error_id
        if retryable is not None:
            self.retryable = retryable


class MemoryNotFoundError(_Answered):
    """There is no such thing in the caller's scope (404)."""


class MemoryServerError(_Answered):
    """Any other error that the server answered."""


class MemoryInvalidRequestError(MemoryServerError, MemoryValidationError):
    """The server refused the request's shape or values (422): fix it."""


class MemoryRequestRefusedError(MemoryServerError):
    """The request is well formed but cannot be done as asked (400)."""


class MemoryUnauthenticatedError(MemoryServerError):
    """No token, or one that is not valid (401)."""


class MemoryForbiddenError(MemoryServerError):
    """The token does not grant this (403)."""


class MemoryConflictError(MemoryServerError):
    """The stored state is not what the request assumed (409): read again, then decide."""


class MemoryTooLargeError(MemoryServerError):
    """The request is larger than a documented limit (413)."""


class MemoryRateLimitedError(MemoryServerError):
    """Too many requests (429): wait, then try again."""

    retryable = True


class MemoryUnavailableError(MemoryServerError):
    """A part that the server needs does not work now (502, 503): wait, then try again."""

    retryable = True


class MemoryDeadlineError(MemoryUnavailableError):
    """A part that the server needs did not answer in time (504): wait, then try again."""


AnsweredError = MemoryNotFoundError | MemoryServerError


_BY_CODE: Final[dict[str, type[AnsweredError]]] = {
    "invalid_request": MemoryInvalidRequestError,
    "request_refused": MemoryRequestRefusedError,
    "unauthenticated": MemoryUnauthenticatedError,
    "forbidden": MemoryForbiddenError,
    "not_found": MemoryNotFoundError,
    "conflict": MemoryConflictError,
    "too_large": MemoryTooLargeError,
    "rate_limited": MemoryRateLimitedError,
    "unavailable": MemoryUnavailableError,
    "deadline_exceeded": MemoryDeadlineError,
    "internal": MemoryServerError,
}

_BY_STATUS: Final[dict[int, type[AnsweredError]]] = {
    400: MemoryRequestRefusedError,
    401: MemoryUnauthenticatedError,
    403: MemoryForbiddenError,
    404: MemoryNotFoundError,
    409: MemoryConflictError,
    412: MemoryConflictError,
    413: MemoryTooLargeError,
    422: MemoryInvalidRequestError,
    429: MemoryRateLimitedError,
    502: MemoryUnavailableError,
    503: MemoryUnavailableError,
    504: MemoryDeadlineError,
}


def error_class(code: str | None, status_code: int) -> type[AnsweredError]:
    """The class for an answer: by the server's code; by the status where a proxy or an older server gave no code."""
    by_code = _BY_CODE.get(code) if code else None
    return by_code or _BY_STATUS.get(status_code, MemoryServerError)
