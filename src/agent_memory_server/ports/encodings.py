"""Counting the tokens of texts exactly, where the vocabulary of a model is at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Encodings(Protocol):
    """Vocabularies of models. Nothing is ever fetched, and nothing fails: what cannot be counted is not offered."""

    def of(self, model: str) -> str | None:
        """The name of the encoding by which this model's tokens can be counted; None: estimate them. Cheap."""
        ...

    async def count(self, encoding: str, texts: Sequence[str]) -> list[int] | None:
        """Tokens of each text. encoding: that `of` named; it is loaded when it is first needed, and does not block the
        event loop. None: it cannot be loaded after all; estimate."""
        ...
