"""An embedding service whose state tests choose, and the embedder that the product makes for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

from agent_memory_server.adapters.providers.open_embedder import open_embedder
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.ports.embedder import Embedder
from tests.support.embedding_service import EmbeddingService, embedding_service

DIMENSIONS = 64
_MANY = 10_000


class Mood(Enum):
    WELL = "well"
    FAILING = "failing"
    SILENT = "silent"


class MoodyService:
    """A service that answers, fails with 500, or accepts requests and says nothing."""

    def __init__(self, service: EmbeddingService) -> None:
        self._service = service

    @property
    def url(self) -> str:
        return self._service.url

    @property
    def texts(self) -> list[str]:
        """All it was asked to embed, in order."""
        return [text for texts in self._service.asked for text in texts]

    def become(self, mood: Mood) -> None:
        self._service.script.clear()
        if mood is Mood.FAILING:
            self._service.fail(500, times=_MANY)
        if mood is Mood.SILENT:
            self._service.hold.clear()
        else:
            self._service.hold.set()


@asynccontextmanager
async def moody_service() -> AsyncIterator[MoodyService]:
    with embedding_service() as service:
        yield MoodyService(service)


async def embedder_of(service: MoodyService) -> Embedder:
    """An embedder that is patient for a moment only."""
    return await open_embedder(
        EmbeddingSettings(
            model="openai/text-embedding-3-small",
            openai_api_base=service.url,
            dimensions=DIMENSIONS,
            timeout_s=0.5,
            attempts=1,
            breaker_cooldown_s=0.05,
        )
    )
