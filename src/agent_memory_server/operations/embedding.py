"""Embedding a write without depending on the embedder: what cannot be embedded now is owed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.errors import InvalidRequest, Unavailable
from agent_memory_server.operations.application import Application

Vectors = Sequence[NDArray[np.float32] | None]


async def vectors_or_owed(app: Application, texts: Sequence[str]) -> Vectors:
    """A vector for each text, or None for all when the embedder fails: the write goes on without.

    The embedder's own deadline bounds the wait.
    """
    if not texts:
        return []
    try:
        return list(await app.embedder.embed(texts))
    except (Unavailable, InvalidRequest):
        return [None] * len(texts)
