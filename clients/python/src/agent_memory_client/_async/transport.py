"""Sends requests: headers, deadlines, repetition of what is safe to repeat, and errors as typed exceptions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import quote

import httpx2

from agent_memory_client._version import __version__
from agent_memory_client.answers import error_of
from agent_memory_client.config import MemoryClientConfig
from agent_memory_client.exceptions import (
    MemoryClientError,
    MemoryConnectionError,
    MemoryRateLimitedError,
    MemoryTimeoutError,
    MemoryValidationError,
)
from agent_memory_client.models.fields import new_id

Query: TypeAlias = Mapping[str, str | int | bool | list[str] | None]

_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_HOPELESS = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)


def only_revision(revision: int | None) -> dict[str, str]:
    """Headers that make a write depend on the stored revision; none when it is to be written in any case."""
    return {} if revision is None else {"If-Match": f'"{revision}"'}


def segment(value: str, name: str) -> str:
    """A value as one segment of a path. Raises: MemoryValidationError for one that no path can carry."""
    if value in {"", ".", ".."} or "/" in value:
        raise MemoryValidationError(f"{name} cannot be part of an address: {value!r}")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise MemoryValidationError(f"{name} holds a lone surrogate") from None


class Transport:
    """One connection pool to one server. Safe to use from many tasks; close it when done."""

    def __init__(self, config: MemoryClientConfig, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        headers = {
            "User-Agent": f"agent-memory-client/{__version__}",
            "X-Client-Version": __version__,
            **config.headers,
        }
        if config.token is not None:
            headers["Authorization"] = f"Bearer {config.token}"
        self._config = config
        self._http = httpx2.AsyncClient(
            base_url=config.base_url, timeout=config.timeout, headers=headers, transport=transport
        )

    async def close(self) -> None:
        """Close all connections; calls under way fail."""
        await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        writes: bool = False,
        repeatable: bool = True,
        answers: frozenset[int] = frozenset(),
    ) -> httpx2.Response:
        """The successful response to a request, tried again after failures that may pass.

        query: None values are left out. body: JSON text. writes: the request changes something, so it gets a key by
        which the server knows a repeated attempt, and answers it as it answered the first. repeatable: carrying the
        request out twice does no harm, even where the key is not known; one that is not is tried again only when it
        certainly was not carried out. answers: unsuccessful statuses whose body is the answer all the same.
        Raises: a MemoryClientError of the kind that fits.
        """
        request = self._http.build_request(
            method,
            path,
            params={name: value for name, value in (query or {}).items() if value is not None},
            content=body,
            headers={
                **({"Content-Type": "application/json"} if body is not None else {}),
                **({"Idempotency-Key": new_id()} if writes else {}),
                **(headers or {}),
            },
        )
        attempt = 0
        while True:
            try:
                response = await self._http.send(request)
            except httpx2.RequestError as exc:
                failure: MemoryClientError = _connection_error(exc, request)
                again = not isinstance(exc, _HOPELESS) and (repeatable or isinstance(exc, _NEVER_SENT))
                wait = None
            else:
                if response.is_success or response.status_code in answers:
                    return response
                failure = error_of(response)
                again = failure.retryable and (repeatable or isinstance(failure, MemoryRateLimitedError))
                wait = _asked_to_wait(response)
            if not again or attempt == self._config.retries:
                raise failure
            await asyncio.sleep(self._delay(attempt, wait))
            attempt += 1

    def _delay(self, attempt: int, asked: float | None) -> float:
        # Spread by chance, so that clients that failed together do not come back together.
        delay = asked if asked is not None else self._config.retry_delay * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311
        return min(delay, self._config.max_retry_delay)


def _connection_error(exc: httpx2.RequestError, request: httpx2.Request) -> MemoryConnectionError:
    kind = MemoryTimeoutError if isinstance(exc, httpx2.TimeoutException) else MemoryConnectionError
    error = kind(f"{type(exc).__name__}: {exc} ({request.method} {request.url})")
    error.__cause__ = exc
    return error


def _asked_to_wait(response: httpx2.Response) -> float | None:
    """Seconds of the header Retry-After; None without one, or with a date, which needs equal clocks."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None
