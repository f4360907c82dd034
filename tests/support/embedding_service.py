"""An embedding service in OpenAI's wire format on 127.0.0.1, which can fail or fall silent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import Enum

from agent_memory_server.adapters.providers.deterministic import DeterministicEmbedder
from agent_memory_server.adapters.providers.open_embedder import open_embedder
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.ports.embedder import Embedder
from tests.support.rest import DIMENSIONS


class Mood(Enum):
    WELL = "well"
    FAILING = "failing"
    SILENT = "silent"


class EmbeddingService:
    """Answers like a model, or as its mood is. texts: all it was asked to embed, in order."""

    def __init__(self) -> None:
        self._embedder = DeterministicEmbedder(DIMENSIONS)
        self._mood = Mood.WELL
        self._changed = asyncio.Event()
        self.texts: list[str] = []
        self.port = 0

    @property
    def mood(self) -> Mood:
        return self._mood

    @mood.setter
    def mood(self, mood: Mood) -> None:
        self._mood = mood
        self._changed.set()
        self._changed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                texts = json.loads(await reader.readexactly(length))["input"]
                status, body = await self._answer(texts)
                lines = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(lines.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _answer(self, texts: Sequence[str]) -> tuple[str, bytes]:
        while self._mood is Mood.SILENT:
            await self._changed.wait()
        if self._mood is Mood.FAILING:
            return "500 Internal Server Error", b'{"error": {"code": "broken"}}'
        self.texts += texts
        vectors = await self._embedder.embed(texts)
        data = [{"index": i, "embedding": vector.tolist()} for i, vector in enumerate(vectors)]
        return "200 OK", json.dumps({"data": data}).encode()


@asynccontextmanager
async def embedding_service() -> AsyncIterator[EmbeddingService]:
    service = EmbeddingService()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        service.mood = Mood.FAILING
        server.close()


async def embedder_of(service: EmbeddingService) -> Embedder:
    """The embedder that the product makes for such a service; it is patient for a moment only."""
    return await open_embedder(
        EmbeddingSettings(
            model="test-embedding",
            openai_api_base=f"http://127.0.0.1:{service.port}/v1",
            dimensions=DIMENSIONS,
            timeout_s=0.5,
            attempts=1,
            breaker_cooldown_s=0.05,
        )
    )
