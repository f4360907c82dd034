"""An embedder without a model: words hashed into dimensions. For tests, benchmarks and machines short of memory.

Texts with words in common are near each other, and nothing else is: it knows no synonyms. The vectors depend on the
text alone and never change between processes, machines and versions.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.texts import refuse_broken

DEFAULT_DIMENSIONS = 384
MAX_CHARS = 65_536
"""What follows is not read: like a model's context, it bounds the time that one text takes."""

_WORD = re.compile(r"\w+")


@lru_cache(maxsize=20_000)
def _direction(word: str, dimensions: int) -> NDArray[np.float32]:
    """A word's direction: a random but fixed sign in every dimension, so that two words are nearly at right angles."""
    bits = hashlib.shake_128(word.encode("utf-8")).digest((dimensions + 7) // 8)
    signs = np.unpackbits(np.frombuffer(bits, np.uint8))[:dimensions].astype(np.float32)
    direction: NDArray[np.float32] = signs * 2.0 - 1.0
    return direction


class DeterministicEmbedder:
    """The sum of the directions of a text's words, with repeats; a text without words is the first unit vector.

    Source: random indexing, Kanerva, Kristoferson & Holst 2000. Every dimension is in use, as in a model's vectors.
    """

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
        for word in _WORD.findall(text[:MAX_CHARS].lower()):
            vector += _direction(word, self._dimensions)
        length = math.sqrt(float(vector @ vector))
        if length == 0.0:  # no words, or words that cancel each other
            vector[0] = 1.0
        else:
            vector /= length
