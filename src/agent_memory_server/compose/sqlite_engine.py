"""The embedded engine, opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import apsw

from agent_memory_server.adapters.providers.catalogue import embedding_dimensions
from agent_memory_server.adapters.sqlite.answers import SqliteIdempotencyStore
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.decision_log import SqliteDecisionLog
from agent_memory_server.adapters.sqlite.decisions import SqliteDecisions
from agent_memory_server.adapters.sqlite.jobs import SqliteJobs
from agent_memory_server.adapters.sqlite.memory_store import SqliteMemoryStore
from agent_memory_server.adapters.sqlite.model import claim_model, stored_model
from agent_memory_server.adapters.sqlite.rebuild import forget_vectors
from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.adapters.sqlite.spending import SqliteSpending
from agent_memory_server.adapters.sqlite.tokens import SqliteTokenStore
from agent_memory_server.adapters.sqlite.vector_cache import SqliteVectorCache
from agent_memory_server.adapters.sqlite.view_store import SqliteViewStore
from agent_memory_server.compose.engine import USUAL_DIMENSIONS, Ports
from agent_memory_server.domain.stored_model import StoredModel
from agent_memory_server.settings import Settings


def folder_of(settings: Settings) -> DataFolder:
    """The data folder that the settings name."""
    # The dimensions only choose the page size of a new file; the embedder's own are claimed when it is open.
    dimensions = settings.embedding.dimensions or embedding_dimensions(settings.embedding.model) or USUAL_DIMENSIONS
    return DataFolder(path=settings.storage.data_dir, dimensions=dimensions, durability=settings.storage.durability)


class SqliteEngine:
    """`Engine` over a data folder."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self.place = str(settings.storage.data_dir)
        self.spending = SqliteSpending(database)
        self.vectors = SqliteVectorCache(database)

    async def stored_model(self) -> StoredModel | None:
        """See `Engine.stored_model`."""
        return await self._database.read(stored_model)

    async def prepare(self, model: StoredModel, *, claim: bool) -> None:
        """See `Engine.prepare`."""
        if claim:
            await self._database.write(partial(_claim, model=model))

    async def forget_vectors(self, model: StoredModel) -> int:
        """See `Engine.forget_vectors`."""
        return await self._database.write(lambda connection: forget_vectors(connection, model.model, model.dimensions))

    def ports(self, dimensions: int) -> Ports:
        """See `Engine.ports`."""
        database = self._database
        search = SearchSettings(dimensions=dimensions, cache_mb=self._settings.storage.vector_cache_mb)
        memories = SqliteMemoryStore(database, Searcher(search))
        jobs = SqliteJobs(database)
        return Ports(
            memories=memories,
            restoring=memories,
            sessions=SqliteSessionStore(database),
            tokens=SqliteTokenStore(database),
            answers=SqliteIdempotencyStore(database),
            views=SqliteViewStore(database),
            decisions=SqliteDecisions(database),
            decision_log=SqliteDecisionLog(database),
            jobs=jobs,
            claims=jobs,
        )


def _claim(connection: apsw.Connection, *, model: StoredModel) -> None:
    claim_model(connection, model.model, model.dimensions)


@asynccontextmanager
async def sqlite_engine(settings: Settings) -> AsyncIterator[SqliteEngine]:
    """The engine on the data folder. Raises: StartRefused, Unavailable."""
    database = await Database.open(folder_of(settings))
    try:
        yield SqliteEngine(database, settings)
    finally:
        await database.close()
