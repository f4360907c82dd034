"""From the settings to a re-ranker with patience."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from agent_memory_server.adapters.providers.rerank.http_reranker import HttpReranker
from agent_memory_server.adapters.providers.rerank.settings import RerankSettings
from agent_memory_server.adapters.providers.wrappers.circuit import Circuit
from agent_memory_server.adapters.providers.wrappers.patience import Patience, within
from agent_memory_server.ports.reranker import Reranker


class PatientReranker:
    """Asks again after a failure that may pass, never beyond the deadline, and leaves a service alone that goes on
    failing."""

    def __init__(self, inner: Reranker, *, patience: Patience, circuit: Circuit) -> None:
        self._inner = inner
        self._patience = patience
        self._circuit = circuit

    @property
    def model(self) -> str:
        """See Reranker."""
        return self._inner.model

    async def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """See Reranker."""

        async def patiently() -> list[float]:
            return await self._patience.call(lambda: self._inner.scores(query, texts))

        return await self._circuit.call(lambda: within(self._patience.timeout_s, self.model, patiently))

    async def close(self) -> None:
        """Close what is wrapped. Idempotent."""
        await self._inner.close()


@asynccontextmanager
async def opened_reranker(settings: RerankSettings) -> AsyncIterator[Reranker | None]:
    """The re-ranker that the settings ask for, closed at the end; None when they name no address. Nobody is called."""
    if settings.url is None:
        yield None
        return
    service = HttpReranker(
        settings.url,
        model=settings.model or "",
        api_key=settings.api_key.get_secret_value() if settings.api_key else "",
        format_=settings.format,
        timeout_s=settings.timeout_s,
        connect_timeout_s=settings.connect_timeout_s,
    )
    patience = Patience(attempts=settings.attempts, backoff_s=settings.backoff_s, timeout_s=settings.timeout_s)
    circuit = Circuit(service.model, failures=settings.breaker_failures, cooldown_s=settings.breaker_cooldown_s)
    try:
        yield PatientReranker(service, patience=patience, circuit=circuit)
    finally:
        await service.close()
