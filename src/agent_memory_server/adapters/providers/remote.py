"""What holds for every service that embeds over a network: batches, and distrust of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.texts import refuse_broken
from agent_memory_server.domain.errors import Unavailable


class Misconfigured(Unavailable):
    """The service answers, and will answer the same until a setting changes: trying again at once is useless."""


class Throttled(Unavailable):
    """The service is too busy. `retry_after_s`: the pause it asks for, if it names one."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EmbeddingService(Protocol):
    """A service that embeds one batch per request."""

    async def vectors(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """What the service answers, in the order of the texts, unchecked.

        Raises: Unavailable (Misconfigured, Throttled), DeadlineExceeded, InvalidRequest.
        """
        ...

    async def close(self) -> None:
        """Release connections. Idempotent."""
        ...


class RemoteEmbedder:
    """Makes an embedder of a service: one request for each batch, one after the other, every answer checked."""

    def __init__(self, service: EmbeddingService, *, model: str, dimensions: int, batch_texts: int) -> None:
        self._service = service
        self._model = model
        self._dimensions = dimensions
        self._batch_texts = batch_texts

    @property
    def model(self) -> str:
        """The name stored beside the vectors."""
        return self._model

    @property
    def dimensions(self) -> int:
        """Floats per vector."""
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (len(texts), dimensions), unit rows.

        Raises: Unavailable, also for an answer that is not that many finite vectors of that length; DeadlineExceeded;
            InvalidRequest, when a text is refused.
        """
        refuse_broken(texts)
        rows = np.empty((len(texts), self._dimensions), dtype=np.float32)
        for first in range(0, len(texts), self._batch_texts):
            batch = texts[first : first + self._batch_texts]
            answer = await self._service.vectors(batch)
            rows[first : first + len(batch)] = self._checked(answer, len(batch))
        return rows

    async def close(self) -> None:
        """Close the service. Idempotent."""
        await self._service.close()

    def _checked(self, answer: Sequence[Sequence[float]], count: int) -> NDArray[np.float64]:
        if len(answer) != count:
            raise Unavailable(f"{self._model} answered {len(answer)} vectors for {count} texts")
        for vector in answer:
            if len(vector) != self._dimensions:
                raise Misconfigured(
                    f"{self._model} answers vectors of {len(vector)} floats, expected {self._dimensions}: "
                    f"set EMBEDDING_DIMENSIONS={len(vector)}, or another EMBEDDING_MODEL"
                )
        try:
            vectors = np.asarray(answer, dtype=np.float64)
        except (TypeError, ValueError) as exc:
            raise Unavailable(f"{self._model} answered vectors that do not consist of numbers") from exc
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise Unavailable(f"{self._model} answered a vector without a direction (zero, infinite or not a number)")
        unit: NDArray[np.float64] = vectors / lengths
        return unit


async def dimensions_of(service: EmbeddingService, model: str) -> int:
    """How long the service's vectors are, by embedding one word. Raises what the service raises."""
    answer = await service.vectors(["dimensions"])
    if len(answer) != 1 or not answer[0]:
        raise Unavailable(f"{model} did not answer a vector")
    return len(answer[0])


def in_order(data: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """The vectors of an answer by their `index`; as they come, where the service leaves it out.

    Raises: KeyError, TypeError or ValueError for anything else.
    """
    vectors: dict[int, list[float]] = {}
    for position, item in enumerate(data):
        vector = item["embedding"]
        if not isinstance(vector, list):
            raise TypeError("an embedding is a list")
        vectors[item.get("index", position)] = vector
    if vectors.keys() != set(range(len(data))):
        raise ValueError("the indexes are not those of the texts")
    return [vectors[index] for index in range(len(data))]
