"""Asking an embedder again after a failure that may pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.wrappers.patience import Patience
from agent_memory_server.adapters.providers.wrappers.wrapper import Wrapper
from agent_memory_server.ports.embedder import Embedder


class Retrying(Wrapper):
    """See `Patience`."""

    def __init__(self, inner: Embedder, *, attempts: int, backoff_s: float, timeout_s: float) -> None:
        super().__init__(inner)
        self._patience = Patience(attempts=attempts, backoff_s=backoff_s, timeout_s=timeout_s)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Embedder. What cannot pass by waiting (a refused text, a wrong setting) is raised at once."""
        return await self._patience.call(lambda: self._inner.embed(texts))
