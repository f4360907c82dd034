"""A service asked again after failures that may pass, and left alone when it goes on failing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from agent_memory_server.adapters.providers.chat.service import ChatService, Question, Reply, Structure
from agent_memory_server.adapters.providers.wrappers.circuit import Circuit
from agent_memory_server.adapters.providers.wrappers.patience import Patience


class Retrying:
    """See `Patience`."""

    def __init__(self, inner: ChatService, patience: Patience) -> None:
        self._inner = inner
        self._patience = patience

    @property
    def structures(self) -> Sequence[Structure]:
        """Those of the service."""
        return self._inner.structures

    async def complete(self, question: Question) -> Reply:
        """See ChatService."""
        return await self._patience.call(lambda: self._inner.complete(question))

    def trouble(self) -> str | None:
        """See ChatModel."""
        return self._inner.trouble()

    async def close(self) -> None:
        """Close the service. Idempotent."""
        await self._inner.close()


class Breaker:
    """See `Circuit`."""

    def __init__(
        self,
        inner: ChatService,
        *,
        model: str,
        failures: int,
        cooldown_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._circuit = Circuit(model, failures=failures, cooldown_s=cooldown_s, clock=clock)

    @property
    def structures(self) -> Sequence[Structure]:
        """Those of the service."""
        return self._inner.structures

    async def complete(self, question: Question) -> Reply:
        """See ChatService. Raises: Unavailable without asking, during a cool-down."""
        return await self._circuit.call(lambda: self._inner.complete(question))

    def trouble(self) -> str | None:
        """See ChatModel."""
        return self._circuit.trouble() or self._inner.trouble()

    async def close(self) -> None:
        """Close the service. Idempotent."""
        await self._inner.close()
