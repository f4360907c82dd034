"""Asking again after a failure that may pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import stamina
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.remote import Misconfigured, Throttled
from agent_memory_server.adapters.providers.wrappers.wrapper import Wrapper
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.ports.embedder import Embedder


class Retrying(Wrapper):
    """Up to `attempts` attempts with growing pauses, all within `timeout_s` seconds; then the last error.

    backoff_s: the first pause; doubles, with as much again at random, so that many clients do not return as one. A
        service that names a pause gets it, as far as the time allows.
    """

    def __init__(self, inner: Embedder, *, attempts: int, backoff_s: float, timeout_s: float) -> None:
        super().__init__(inner)
        self._attempts = attempts
        self._backoff_s = backoff_s
        self._timeout_s = timeout_s

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Embedder. What cannot pass by waiting (a refused text, a wrong setting) is raised at once."""
        async for attempt in stamina.retry_context(
            on=self._pause,
            attempts=self._attempts,
            timeout=self._timeout_s,
            wait_initial=self._backoff_s,
            wait_jitter=self._backoff_s,
            wait_max=self._timeout_s,
        ):
            with attempt:
                return await self._inner.embed(texts)
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, exc: Exception) -> bool | float:
        """Whether to try again, or after how many seconds."""
        if isinstance(exc, Throttled) and exc.retry_after_s is not None:
            return exc.retry_after_s if exc.retry_after_s < self._timeout_s else False
        return isinstance(exc, Unavailable) and not isinstance(exc, Misconfigured)
