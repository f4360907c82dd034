"""Asking again after a failure that may pass, and giving up in time: the rules, whatever is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import stamina

from agent_memory_server.adapters.providers.remote import Misconfigured, Throttled
from agent_memory_server.domain.errors import DeadlineExceeded, Unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Up to `attempts` attempts with growing pauses, all within `timeout_s` seconds; then the last error.

    backoff_s: the first pause; doubles, with as much again at random, so that many clients do not return as one. A
        service that names a pause gets it, as far as the time allows.
    """

    attempts: int
    backoff_s: float
    timeout_s: float

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` gives. What cannot pass by waiting (a refused question, a wrong setting) is raised at once."""
        async for attempt in stamina.retry_context(
            on=self._pause,
            attempts=self.attempts,
            timeout=self.timeout_s,
            wait_initial=self.backoff_s,
            wait_jitter=self.backoff_s,
            wait_max=self.timeout_s,
        ):
            with attempt:
                return await ask()
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, exc: Exception) -> bool | float:
        """Whether to try again, or after how many seconds."""
        if isinstance(exc, Throttled) and exc.retry_after_s is not None:
            return exc.retry_after_s if exc.retry_after_s < self.timeout_s else False
        return isinstance(exc, Unavailable) and not isinstance(exc, Misconfigured)


async def within(timeout_s: float, name: str, ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` gives, cancelled after `timeout_s` seconds. Raises: DeadlineExceeded, when the time is over."""
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            return await ask()
    except TimeoutError as exc:
        if not limit.expired():
            raise
        raise DeadlineExceeded(f"{name} did not answer within {timeout_s:g} s") from exc
