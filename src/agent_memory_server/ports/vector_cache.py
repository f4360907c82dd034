"""Vectors kept across restarts, by the digest of their text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class VectorCache(Protocol):
    """A bounded, durable cache. Losing an entry costs one model call, nothing else."""

    async def get(self, model: str, digests: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The vectors that are there, by digest (SHA-256 of the text, 32 bytes)."""
        ...

    async def put(self, model: str, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep vectors; the oldest go when the bound is reached."""
        ...
