"""An embedder without a model: words hashed into dimensions. For tests, benchmarks and machines short of memory.

Texts with words in common are near each other, and nothing else is: it knows no synonyms. The vectors depend on the
text alone and never change between processes, machines and versions.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.texts import refuse_broken

DEFAULT_DIMENSIONS = 384
MAX_CHARS = 65_536
"""What follows is not read: like a model's context, it bounds the time that one text takes."""

_WORD = re.compile(r"\w+")


class DeterministicEmbedder:
    """Each distinct word adds ±1 in one dimension per occurrence; a text without words is the first unit vector."""

    def __init__(self, dimensions: int = DEFAULT_DIMENSIONS) -> None:
        self._dimensions = dimensions

    @property
    def model(self) -> str:
        """The name stored beside the vectors."""
        return "deterministic"

    @property
    def dimensions(self) -> int:
        """Floats per vector."""
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (len(texts), dimensions), unit rows. Raises: InvalidRequest for a text that is no Unicode."""
        refuse_broken(texts)
        vectors = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            self._fill(vector, text)
        return vectors

    async def close(self) -> None:
        """Nothing to release."""

    def _fill(self, vector: NDArray[np.float32], text: str) -> None:
        sums: dict[int, int] = {}
        for word in _WORD.findall(text[:MAX_CHARS].lower()):
            number = zlib.crc32(word.encode("utf-8"))
            place = (number >> 1) % self._dimensions
            sums[place] = sums.get(place, 0) + (1 if number & 1 else -1)
        length = sum(value * value for value in sums.values()) ** 0.5
        if length == 0:  # no words, or words that cancel each other
            vector[0] = 1.0
            return
        for place, value in sums.items():
            vector[place] = value / length
