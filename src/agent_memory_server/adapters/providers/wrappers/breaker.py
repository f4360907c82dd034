"""A service that fails again and again is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.wrappers.wrapper import Wrapper
from agent_memory_server.domain.errors import InvalidRequest, Unavailable
from agent_memory_server.ports.embedder import Embedder


class Breaker(Wrapper):
    """After `failures` failed calls in a row, calls fail at once for `cooldown_s` seconds; then one call tries.

    If that one succeeds all calls pass again, otherwise the next cool-down begins. A refused text is an answer, and no
    failure. `clock` gives seconds that only grow.
    """

    def __init__(
        self, inner: Embedder, *, failures: int, cooldown_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(inner)
        self._allowed = failures
        self._cooldown_s = cooldown_s
        self._clock = clock
        self._failed = 0
        self._rests_until = 0.0
        self._probing = False
        self._last = ""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Embedder. Raises: Unavailable without asking, during a cool-down."""
        if self._failed < self._allowed:
            return await self._counted(texts)
        rest = self._rests_until - self._clock()
        if rest > 0 or self._probing:
            again = f"in {rest:.1f} s" if rest > 0 else "after a call that is under way"
            raise Unavailable(
                f"{self.model} failed {self._failed} times and is asked again {again}; last: {self._last}"
            )
        self._probing = True
        try:
            return await self._counted(texts)
        finally:
            self._probing = False

    async def _counted(self, texts: Sequence[str]) -> NDArray[np.float32]:
        try:
            vectors = await self._inner.embed(texts)
        except InvalidRequest:
            self._failed = 0
            raise
        except Unavailable as exc:
            self._failed += 1
            self._last = str(exc)
            self._rests_until = self._clock() + self._cooldown_s
            raise
        self._failed = 0
        return vectors
