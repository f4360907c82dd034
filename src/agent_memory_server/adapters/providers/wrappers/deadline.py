"""No call takes longer than it may."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.wrappers.wrapper import Wrapper
from agent_memory_server.domain.errors import DeadlineExceeded
from agent_memory_server.ports.embedder import Embedder


class Deadline(Wrapper):
    """Cancels a call after `timeout_s` seconds."""

    def __init__(self, inner: Embedder, *, timeout_s: float) -> None:
        super().__init__(inner)
        self._timeout_s = timeout_s

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Embedder. Raises: DeadlineExceeded, when the time is over."""
        limit = asyncio.timeout(self._timeout_s)
        try:
            async with limit:
                return await self._inner.embed(texts)
        except TimeoutError as exc:
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"{self.model} did not answer within {self._timeout_s:g} s") from exc
