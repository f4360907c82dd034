"""No embedding call takes longer than it may."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.wrappers.patience import within
from agent_memory_server.adapters.providers.wrappers.wrapper import Wrapper
from agent_memory_server.ports.embedder import Embedder


class Deadline(Wrapper):
    """Cancels a call after `timeout_s` seconds."""

    def __init__(self, inner: Embedder, *, timeout_s: float) -> None:
        super().__init__(inner)
        self._timeout_s = timeout_s

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Embedder. Raises: DeadlineExceeded, when the time is over."""
        return await within(self._timeout_s, self.model, lambda: self._inner.embed(texts))
