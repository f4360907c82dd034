"""What a service's HTTP refusal means: one table from status to domain error, for embeddings and chat alike."""

from __future__ import annotations

import re
from typing import Any

import httpx2

from agent_memory_server.adapters.providers.remote import Misconfigured, Throttled
from agent_memory_server.domain.errors import DeadlineExceeded, InvalidRequest, Unavailable

_REFUSED = {400, 413, 422}
_TOO_LATE = {408, 504}
_TOO_BUSY = {429, 503, 529}
_NAME = re.compile(r"[\w.-]{1,64}")
_SECONDS = re.compile(r"\d{1,9}(\.\d+)?", re.ASCII)


class Refused(InvalidRequest):
    """The service refuses the question as it was asked. `parameter`: the member of the request it complains of, if
    it names one."""

    def __init__(self, message: str, *, parameter: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter


def refusal(response: httpx2.Response, *, model: str, url: str, refused: str, check: str) -> Exception:
    """The domain error for an answer that is no success.

    refused: what the service was given ("the texts"); check: the settings to look at when it will not change its mind.
    """
    status = response.status_code
    error = _error(response)
    what = f"(HTTP {status}{_kind(error)})"
    if status in _REFUSED:
        return Refused(f"{model} at {url} refused {refused} {what}", parameter=_named(error.get("param")))
    if status in _TOO_LATE:
        return DeadlineExceeded(f"{url} did not answer in time {what}")
    if status in _TOO_BUSY:
        return Throttled(f"{url} is too busy {what}", retry_after_s=_pause(response.headers.get("retry-after", "")))
    if response.is_server_error:
        return Unavailable(f"{url} failed {what}")
    return Misconfigured(f"{url} refuses requests for {model} {what}: check {check}")


def _error(response: httpx2.Response) -> dict[str, Any]:
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def _named(value: object) -> str:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""


def _kind(error: dict[str, Any]) -> str:
    """The service's own code for what went wrong. Its sentence is left out: it may quote a text or a key."""
    name = _named(error.get("code") or error.get("type"))
    return f", {name}" if name else ""


def _pause(header: str) -> float | None:
    """Seconds to wait, from a Retry-After header; None for a date, which would need both clocks to agree."""
    return float(header) if _SECONDS.fullmatch(header) else None
