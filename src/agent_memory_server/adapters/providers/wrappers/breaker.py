"""An embedding service that fails again and again is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.wrappers.circuit import Circuit
from agent_memory_server.adapters.providers.wrappers.wrapper import Wrapper
from agent_memory_server.ports.embedder import Embedder


class Breaker(Wrapper):
    """See `Circuit`."""

    def __init__(
        self, inner: Embedder, *, failures: int, cooldown_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(inner)
        self._circuit = Circuit(inner.model, failures=failures, cooldown_s=cooldown_s, clock=clock)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Embedder. Raises: Unavailable without asking, during a cool-down."""
        return await self._circuit.call(lambda: self._inner.embed(texts))
