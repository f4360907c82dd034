"""A model that reads a query and a text together and says how well the text answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Scores texts for a query, all in one call. Slower and finer than vectors: it is asked about few texts."""

    @property
    def model(self) -> str:
        """The model's name, as in the settings."""
        ...

    async def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One finite number for each text, in their order: higher is better, on a scale of the model's own.

        Raises: Unavailable (a failure, a cool-down after failures, or an answer that is not such numbers) or
        DeadlineExceeded, when another try later may work; InvalidRequest, when the model refuses the query or a text.
        """
        ...

    async def close(self) -> None:
        """Release connections. Idempotent."""
        ...
