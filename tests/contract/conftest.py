"""The engines that every port's suite runs on. A further engine is one more parameter of `engine` and `keeper`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.answers import RedisIdempotencyStore
from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.decision_log import RedisDecisionLog
from agent_memory_server.adapters.redis.decisions import RedisDecisions
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.jobs import RedisJobs
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.session_index import SessionOptions, ensure_session_index
from agent_memory_server.adapters.redis.session_store import RedisSessionStore
from agent_memory_server.adapters.redis.spending import RedisSpending
from agent_memory_server.adapters.redis.tokens import RedisTokenStore
from agent_memory_server.adapters.redis.vector_cache import RedisVectorCache
from agent_memory_server.adapters.sqlite.answers import SqliteIdempotencyStore
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.decision_log import SqliteDecisionLog
from agent_memory_server.adapters.sqlite.decisions import SqliteDecisions
from agent_memory_server.adapters.sqlite.jobs import SqliteJobs
from agent_memory_server.adapters.sqlite.memory_store import SqliteMemoryStore
from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.adapters.sqlite.spending import SqliteSpending
from agent_memory_server.adapters.sqlite.tokens import SqliteTokenStore
from agent_memory_server.adapters.sqlite.vector_cache import SqliteVectorCache
from agent_memory_server.ports.decision_log import DecisionLog
from agent_memory_server.ports.decisions import Decisions
from agent_memory_server.ports.idempotency import IdempotencyStore
from agent_memory_server.ports.memory_store import MemoryStore
from agent_memory_server.ports.session_store import SessionStore
from agent_memory_server.ports.spending import Spending
from agent_memory_server.ports.token_store import TokenStore
from agent_memory_server.ports.vector_cache import VectorCache
from tests.contract.memories import DIMENSIONS
from tests.support.jobs import Queue
from tests.support.redis_cluster import Cluster, redis_cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The ports of one open engine for records and sessions."""

    memories: MemoryStore
    sessions: SessionStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """The ports of one open engine for small things. vectors, decisions, decision_log: make one that is bounded to that
    many entries."""

    tokens: TokenStore
    answers: IdempotencyStore
    vectors: Callable[[int], VectorCache]
    decisions: Callable[[int], Decisions]
    decision_log: Callable[[int], DecisionLog]
    spending: Spending


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(DataFolder(path=tmp_path / "data", dimensions=DIMENSIONS))
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """Of an empty Redis."""
    async with open_client(redis_url) as opened:
        await opened.flushall()
        yield opened


def _memories_on_sqlite(database: Database) -> MemoryStore:
    return SqliteMemoryStore(database, Searcher(SearchSettings(dimensions=DIMENSIONS)))


@pytest.fixture(params=["sqlite", "redis"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "redis":
        return Engine(
            memories=cast("MemoryStore", request.getfixturevalue("redis_records")),
            sessions=request.getfixturevalue("redis_sessions"),
        )
    database = request.getfixturevalue("database")
    return Engine(
        memories=_memories_on_sqlite(database),
        sessions=SqliteSessionStore(database),
    )


def _on_sqlite(database: Database) -> Keeper:
    return Keeper(
        tokens=SqliteTokenStore(database),
        answers=SqliteIdempotencyStore(database),
        vectors=lambda entries: SqliteVectorCache(database, entries=entries),
        decisions=lambda entries: SqliteDecisions(database, entries=entries),
        decision_log=lambda entries: SqliteDecisionLog(database, entries=entries),
        spending=SqliteSpending(database),
    )


def _on_redis(client: Redis) -> Keeper:
    return Keeper(
        tokens=RedisTokenStore(client),
        answers=RedisIdempotencyStore(client),
        vectors=lambda entries: RedisVectorCache(client, entries=entries),
        decisions=lambda entries: RedisDecisions(client, entries=entries),
        decision_log=lambda entries: RedisDecisionLog(client, entries=entries),
        spending=RedisSpending(client),
    )


@pytest.fixture(params=["sqlite", "redis"])
def keeper(request: pytest.FixtureRequest) -> Keeper:
    if request.param == "sqlite":
        return _on_sqlite(request.getfixturevalue("database"))
    return _on_redis(request.getfixturevalue("client"))


@pytest.fixture
async def redis_records(client: Redis) -> RedisMemoryStore:
    options = IndexOptions(dimensions=DIMENSIONS)
    await ensure_index(client, options)
    return RedisMemoryStore(client, options)


@pytest.fixture(params=["sqlite", "redis"])
def records(request: pytest.FixtureRequest) -> MemoryStore:
    if request.param == "sqlite":
        return _memories_on_sqlite(request.getfixturevalue("database"))
    return cast("MemoryStore", request.getfixturevalue("redis_records"))


@pytest.fixture
async def redis_sessions(client: Redis, redis_records: RedisMemoryStore) -> RedisSessionStore:
    options = SessionOptions()
    await ensure_session_index(client, options)
    return RedisSessionStore(client, options, IndexOptions(dimensions=DIMENSIONS))


@pytest.fixture
def memories(engine: Engine) -> MemoryStore:
    return engine.memories


@pytest.fixture
def sessions(engine: Engine) -> SessionStore:
    return engine.sessions


@pytest.fixture
def tokens(keeper: Keeper) -> TokenStore:
    return keeper.tokens


@pytest.fixture
def answers(keeper: Keeper) -> IdempotencyStore:
    return keeper.answers


@pytest.fixture
def spending(keeper: Keeper) -> Spending:
    return keeper.spending


@pytest.fixture(scope="session")
def nodes() -> Iterator[Cluster]:
    with redis_cluster() as running:
        yield running


@pytest.fixture
async def cluster_client(nodes: Cluster) -> AsyncIterator[Redis]:
    """Of an empty Redis Cluster."""
    nodes.empty()
    async with open_client(nodes.url) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "redis", "cluster"])
def jobs(request: pytest.FixtureRequest) -> Queue:
    if request.param == "sqlite":
        return SqliteJobs(request.getfixturevalue("database"))
    client = request.getfixturevalue("client" if request.param == "redis" else "cluster_client")
    # A bell that is not heard must fail at the client's deadline, and not pass when the wait has ended by itself.
    return RedisJobs(client, "odd name *?", longest_wait_s=3600)
