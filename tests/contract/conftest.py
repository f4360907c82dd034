"""The engines that every port's suite runs on. A further engine is one more parameter of `engine`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from agent_memory_server.adapters.sqlite.answers import SqliteIdempotencyStore
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.jobs import SqliteJobs
from agent_memory_server.adapters.sqlite.memory_store import SqliteMemoryStore
from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.adapters.sqlite.tokens import SqliteTokenStore
from agent_memory_server.adapters.sqlite.vector_cache import SqliteVectorCache
from agent_memory_server.ports.idempotency import IdempotencyStore
from agent_memory_server.ports.jobs import Claims, Jobs
from agent_memory_server.ports.memory_store import MemoryStore
from agent_memory_server.ports.session_store import SessionStore
from agent_memory_server.ports.token_store import TokenStore
from agent_memory_server.ports.vector_cache import VectorCache
from tests.contract.memories import DIMENSIONS


class Queue(Jobs, Claims, Protocol):
    """Both sides of a queue of background work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The ports of one open engine. vectors: makes a cache that is bounded to that many entries."""

    memories: MemoryStore
    sessions: SessionStore
    tokens: TokenStore
    answers: IdempotencyStore
    jobs: Queue
    vectors: Callable[[int], VectorCache]


def _on_sqlite(database: Database) -> Engine:
    return Engine(
        memories=SqliteMemoryStore(database, Searcher(SearchSettings(dimensions=DIMENSIONS))),
        sessions=SqliteSessionStore(database),
        tokens=SqliteTokenStore(database),
        answers=SqliteIdempotencyStore(database),
        jobs=SqliteJobs(database),
        vectors=lambda entries: SqliteVectorCache(database, entries=entries),
    )


@pytest.fixture(params=["sqlite"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    database = await Database.open(DataFolder(path=tmp_path / "data", dimensions=DIMENSIONS))
    try:
        yield _on_sqlite(database)
    finally:
        await database.close()


@pytest.fixture
def memories(engine: Engine) -> MemoryStore:
    return engine.memories


@pytest.fixture
def sessions(engine: Engine) -> SessionStore:
    return engine.sessions


@pytest.fixture
def tokens(engine: Engine) -> TokenStore:
    return engine.tokens


@pytest.fixture
def answers(engine: Engine) -> IdempotencyStore:
    return engine.answers


@pytest.fixture
def jobs(engine: Engine) -> Queue:
    return engine.jobs
