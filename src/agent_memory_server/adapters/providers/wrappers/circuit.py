"""A service that fails again and again is left alone for a while: the rule, whatever is asked of the service."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from agent_memory_server.domain.errors import InvalidRequest, Unavailable

T = TypeVar("T")


class Circuit:
    """After `failures` failed calls in a row, calls fail at once for `cooldown_s` seconds; then one call tries.

    If that one succeeds all calls pass again, otherwise the next cool-down begins. A refused question is an answer,
    and no failure. `clock` gives seconds that only grow.
    """

    def __init__(self, name: str, *, failures: int, cooldown_s: float, clock: Callable[[], float] = time.monotonic):
        self._name = name
        self._allowed = failures
        self._cooldown_s = cooldown_s
        self._clock = clock
        self._failed = 0
        self._rests_until = 0.0
        self._probing = False
        self._last = ""

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` gives. Raises: what it raises; Unavailable without asking, during a cool-down."""
        if self._failed < self._allowed:
            return await self._counted(ask)
        refused = self.trouble()
        if refused is not None:
            raise Unavailable(refused)
        self._probing = True
        try:
            return await self._counted(ask)
        finally:
            self._probing = False

    def trouble(self) -> str | None:
        """Why a call would fail now without asking; None when it would be made."""
        rest = self._rests_until - self._clock()
        if self._failed < self._allowed or (rest <= 0 and not self._probing):
            return None
        again = f"in {rest:.1f} s" if rest > 0 else "after a call that is under way"
        return f"{self._name} failed {self._failed} times and is asked again {again}; last: {self._last}"

    async def _counted(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await ask()
        except InvalidRequest:
            self._failed = 0
            raise
        except Unavailable as exc:
            self._failed += 1
            self._last = str(exc)
            self._rests_until = self._clock() + self._cooldown_s
            raise
        self._failed = 0
        return answer
