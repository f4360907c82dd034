"""Every other provider, through the optional package litellm.

Importing it costs seconds of processor time and 180 MB, so it happens on first use, in a thread.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
from collections.abc import Sequence
from typing import Any

from agent_memory_server.adapters.providers.remote import Misconfigured, Throttled, in_order
from agent_memory_server.domain.errors import DeadlineExceeded, InvalidRequest, StartRefused, Unavailable

_SETTING_AT_FAULT = {401, 403, 404}


class LiteLLMEmbeddings:
    """An EmbeddingService for any model name that litellm knows. It reads keys and addresses from the environment."""

    def __init__(self, model: str, *, timeout_s: float) -> None:
        """Raises: StartRefused, when the package is not installed."""
        if importlib.util.find_spec("litellm") is None:
            raise StartRefused(
                f"EMBEDDING_MODEL={model} needs the package litellm: pip install 'agent-memory-server[litellm]'"
            )
        self._model = model
        self._timeout_s = timeout_s

    async def vectors(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """See EmbeddingService."""
        litellm = await asyncio.to_thread(_imported)
        try:
            # Retrying is done in one place, around this.
            answer = await litellm.aembedding(
                model=self._model, input=list(texts), timeout=self._timeout_s, num_retries=0, max_retries=0
            )
            return in_order([dict(item) for item in answer.data])
        except Exception as exc:
            raise _translated(litellm, exc, self._model) from exc

    async def close(self) -> None:
        """Nothing is held: litellm keeps its own connections."""


def _imported() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # read at import: otherwise it fetches a price list
    litellm: Any = importlib.import_module("litellm")
    litellm.telemetry = False
    litellm.suppress_debug_info = True  # it prints to stdout, which belongs to MCP over stdio
    return litellm


def _translated(litellm: Any, exc: Exception, model: str) -> Exception:
    """A domain error for one of litellm's. Its text is left out: it may quote what was embedded."""
    what = f"{model}: {type(exc).__name__}"
    if isinstance(exc, litellm.Timeout):
        return DeadlineExceeded(f"{what}: no answer in time")
    if isinstance(exc, litellm.RateLimitError):
        return Throttled(f"{what}: the service is too busy")
    if getattr(exc, "status_code", None) in _SETTING_AT_FAULT:
        return Misconfigured(f"{what}: check EMBEDDING_MODEL and the provider's key")
    if isinstance(exc, litellm.BadRequestError):
        return InvalidRequest(f"{what}: refused; the model's name is wrong, or a text is too long for it")
    return Unavailable(f"{what}: the service cannot be used now")
