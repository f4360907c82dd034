"""Embeddings of every other provider, through the optional package litellm (see `litellm_library`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agent_memory_server.adapters.providers.litellm_library import imported, require_installed, translated
from agent_memory_server.adapters.providers.remote import in_order

_SETTING = "EMBEDDING_MODEL"


class LiteLLMEmbeddings:
    """An EmbeddingService for any model name that litellm knows. It reads keys and addresses from the environment."""

    def __init__(self, model: str, *, timeout_s: float) -> None:
        """Raises: StartRefused, when the package is not installed."""
        require_installed(f"{_SETTING}={model}")
        self._model = model
        self._timeout_s = timeout_s

    async def vectors(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """See EmbeddingService."""
        litellm = await asyncio.to_thread(imported)
        try:
            # Retrying is done in one place, around this.
            answer = await litellm.aembedding(
                model=self._model, input=list(texts), timeout=self._timeout_s, num_retries=0, max_retries=0
            )
            return in_order([dict(item) for item in answer.data])
        except Exception as exc:
            raise translated(litellm, exc, self._model, setting=_SETTING, given="a text") from exc

    async def close(self) -> None:
        """Nothing is held: litellm keeps its own connections."""
