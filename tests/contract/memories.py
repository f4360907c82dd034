"""What the MemoryStore suite is made of: records, vectors that can be reasoned about, and stores to run on."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.memory_store import SqliteMemoryStore
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Ranked, StoreQuery
from agent_memory_server.domain.scope import Scope
from agent_memory_server.ports.memory_store import MemoryStore, MemoryWrite

DIMENSIONS = 8
NOW = 1_700_000_000.0
ENGINES = ["sqlite"]
"""A further engine is one more name here and one more branch in `open_store`."""


class _Searching:
    def search(self, connection: apsw.Connection, scope: Scope, query: StoreQuery) -> Ranked:
        return self._searcher.search(connection, scope, query)

    @property
    def _searcher(self) -> Any:
        from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings  # type: ignore[import-not-found]

        if not hasattr(self, "_made"):
            self._made = Searcher(SearchSettings(dimensions=DIMENSIONS))
        return self._made


@asynccontextmanager
async def open_store(engine: str, folder: Path) -> AsyncIterator[MemoryStore]:
    """An empty store of this engine; what is opened is closed."""
    assert engine == "sqlite"
    database = await Database.open(DataFolder(path=folder / "data", dimensions=DIMENSIONS))
    try:
        yield SqliteMemoryStore(database, _Searching())
    finally:
        await database.close()


def direction(degrees: float) -> NDArray[np.float32]:
    """A unit vector: those of 0 and 90 degrees have a cosine distance of 1."""
    vector = np.zeros(DIMENSIONS, dtype=np.float32)
    vector[0], vector[1] = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return vector


def memory(id_: str, text: str = "tea", **fields: Any) -> Memory:
    """A record with what a test does not care about filled in."""
    times = {"created_at": NOW, "updated_at": NOW, "last_accessed": NOW}
    return Memory(id=id_, text=text, **(times | fields))


def write(
    id_: str, text: str = "tea", *, at: float | None = 0.0, fallback: str | None = None, **fields: Any
) -> MemoryWrite:
    """A write of a record. at: its vector's direction in degrees, None for no vector."""
    vector = None if at is None else direction(at)
    return MemoryWrite(memory=memory(id_, text, **fields), vector=vector, fallback_id=fallback)
