"""Texts to vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns texts into unit-length float32 vectors. Equal texts give equal vectors."""

    @property
    def model(self) -> str:
        """The name that is stored beside the vectors; another name means vectors that cannot be compared."""
        ...

    @property
    def dimensions(self) -> int:
        """Floats per vector."""
        ...

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (len(texts), dimensions), unit rows in the order of the texts; all of them or an error.

        Raises: Unavailable or DeadlineExceeded, when the model cannot answer now; InvalidRequest, when it refuses a
        text.
        """
        ...

    async def close(self) -> None:
        """Release threads and connections. Idempotent."""
        ...
