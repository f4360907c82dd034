"""Durable caches for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.errors import Unavailable


class DictVectorCache:
    """Keeps vectors in a dictionary that outlives the embedder; fails while `broken`."""

    def __init__(self) -> None:
        self.vectors: dict[tuple[str, bytes], NDArray[np.float32]] = {}
        self.broken = False

    async def get(self, model: str, digests: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        self._check()
        return {d: self.vectors[model, d] for d in digests if (model, d) in self.vectors}

    async def put(self, model: str, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        self._check()
        self.vectors |= {(model, digest): vector.copy() for digest, vector in vectors.items()}

    def _check(self) -> None:
        if self.broken:
            raise Unavailable("the cache is broken")
