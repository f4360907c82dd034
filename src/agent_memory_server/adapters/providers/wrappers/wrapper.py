"""What every wrapper hands through."""

from __future__ import annotations

from agent_memory_server.ports.embedder import Embedder


class Wrapper:
    """The part of an embedder that wrapping does not change."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner

    @property
    def model(self) -> str:
        """The name stored beside the vectors."""
        return self._inner.model

    @property
    def dimensions(self) -> int:
        """Floats per vector."""
        return self._inner.dimensions

    async def close(self) -> None:
        """Close what is wrapped. Idempotent."""
        await self._inner.close()
