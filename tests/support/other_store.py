"""A store of another package: it keeps long-term records in the Redis at `URL`, which the test sets."""

from __future__ import annotations

from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.index import IndexOptions
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.ports.embedder import Embedder

URL = ""


class OtherStore(RedisMemoryStore):
    """Closes what it opened."""

    def __init__(self, dimensions: int) -> None:
        self._opened = open_client(URL)
        super().__init__(self._opened, IndexOptions(dimensions=dimensions))

    async def close(self) -> None:
        await self._opened.aclose()


def make(embedder: Embedder) -> OtherStore:
    """As MEMORY_VECTOR_DB_FACTORY asks for it. The index is made by the test."""
    return OtherStore(embedder.dimensions)


def fail(_: Embedder) -> None:
    raise RuntimeError("no such service")


def half(_: Embedder) -> object:
    return object()
