"""The engine that suites of interfaces, operations and promises run on: SQLite, or Redis with `TEST_ENGINE=redis`.

A test names a folder; on Redis that stands for a database of its own, which is there as long as the test uses it: a few
servers are kept, and the one that was used longest ago is emptied for the next folder.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import apsw
import pytest
import redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.answers import RedisIdempotencyStore
from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.decision_log import RedisDecisionLog
from agent_memory_server.adapters.redis.decisions import RedisDecisions
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.jobs import RedisJobs
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.session_index import SessionOptions, ensure_session_index
from agent_memory_server.adapters.redis.session_store import RedisSessionStore
from agent_memory_server.adapters.redis.tokens import RedisTokenStore
from agent_memory_server.adapters.redis.view_store import RedisViewStore
from agent_memory_server.adapters.sqlite.answers import SqliteIdempotencyStore
from agent_memory_server.adapters.sqlite.connection import FILE_NAME
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.decision_log import SqliteDecisionLog
from agent_memory_server.adapters.sqlite.decisions import SqliteDecisions
from agent_memory_server.adapters.sqlite.jobs import SqliteJobs
from agent_memory_server.adapters.sqlite.memory_store import SqliteMemoryStore
from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.adapters.sqlite.tokens import SqliteTokenStore
from agent_memory_server.adapters.sqlite.view_store import SqliteViewStore
from agent_memory_server.compose.engine import Ports
from tests.support.redis_server import redis_server

ON_REDIS = os.environ.get("TEST_ENGINE") == "redis"
on_a_folder = pytest.mark.skipif(ON_REDIS, reason="tells of a data folder: its place, its files, or SQLite's own work")
_SERVERS = 4
_QUEUE = "suite"


class _Databases:
    """Servers by the folder that each stands for, the one used longest ago first."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._urls: dict[Path, str] = {}
        self._one_at_a_time = threading.Lock()

    def url(self, folder: Path) -> str:
        with self._one_at_a_time:  # else a second thread would start a server that ends with that thread
            return self._url(folder)

    def _url(self, folder: Path) -> str:
        url = self._urls.pop(folder, None)
        if url is None and len(self._urls) < _SERVERS:
            url = self._running.enter_context(redis_server())
        elif url is None:
            url = self._urls.pop(next(iter(self._urls)))
            with redis.Redis.from_url(url) as client:
                client.flushall()
        self._urls[folder] = url
        return url


_databases = _Databases()
_chosen: list[str] = []


@contextmanager
def running_on(engine: str) -> Iterator[str]:
    """What opens an engine inside this block opens this one: "sqlite" or "redis"."""
    _chosen.append(engine)
    try:
        yield engine
    finally:
        _chosen.pop()


def chosen_engine() -> str:
    """What is opened now."""
    return _chosen[-1] if _chosen else "redis" if ON_REDIS else "sqlite"


def on_both(metafunc: pytest.Metafunc, modules: Collection[str], fixture: str) -> None:
    """Run the tests of these modules that ask for a fixture on both engines; that fixture has to ask for `engine`. A
    run with `TEST_ENGINE=redis` leaves SQLite to others."""
    if fixture in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in modules and not ON_REDIS:
        metafunc.parametrize("engine", ["sqlite", "redis"], indirect=True)


def redis_of(folder: Path) -> str:
    """The URL of the Redis that stands for a folder."""
    return _databases.url(folder.absolute())


def everything_in(folder: Path) -> bytes:
    """All bytes of the files of a folder; on Redis of the keys, fields and values of all hashes."""
    if chosen_engine() == "redis":
        with redis.Redis.from_url(redis_of(folder)) as client:
            return repr([(key, client.hgetall(key)) for key in client.scan_iter(_type="HASH")]).encode()
    return b"".join(path.read_bytes() for path in folder.iterdir())


def settings_of(folder: Path) -> dict[str, str]:
    """Settings of processes that are to work on the engine that stands for a folder, as `engine_ports` opens it."""
    if chosen_engine() != "redis":
        return {"MEMORY_DATA_DIR": str(folder)}
    return {"REDIS_URL": redis_of(folder), "DOCKET_NAME": _QUEUE}


def lose_the_queue(folder: Path) -> None:
    """Drop every job of the queue that `engine_ports` opened over a folder, behind its back."""
    if chosen_engine() == "redis":
        with redis.Redis.from_url(redis_of(folder)) as client:
            client.delete(*keys.queue(_QUEUE))
        return
    connection = apsw.Connection(str(folder / FILE_NAME))
    connection.set_busy_timeout(10_000)
    connection.execute("DELETE FROM jobs")
    connection.close()


def forget_counts(folder: Path) -> None:
    """Leave the sessions of a folder as an earlier version wrote them, which did not count their tokens."""
    if chosen_engine() == "redis":
        with redis.Redis.from_url(redis_of(folder)) as client:
            for key in client.scan_iter("working_memory:*", _type="ReJSON-RL"):
                own = client.json().get(key, "$.agent_memory")[0]
                kept = {name: own[name] for name in own.keys() - {"held", "window", "outgrown_since", "speakers"}}
                client.json().set(key, "$.agent_memory", kept | {"exact": own["exact"].replace("counted,", "")})
        return
    connection = apsw.Connection(str(folder / FILE_NAME))
    connection.set_busy_timeout(10_000)
    connection.execute("UPDATE sessions SET held = NULL, fold_window = NULL, outgrown_since = NULL")
    connection.close()


@asynccontextmanager
async def queue_in(folder: Path) -> AsyncIterator[SqliteJobs | RedisJobs]:
    """The queue of the processes that are started on a folder."""
    if chosen_engine() == "redis":
        async with open_client(redis_of(folder)) as client:
            yield RedisJobs(client, "memory-server")
        return
    database = await Database.open(DataFolder(path=folder, dimensions=8))
    try:
        yield SqliteJobs(database)
    finally:
        await database.close()


@asynccontextmanager
async def decisions_in(folder: Path) -> AsyncIterator[SqliteDecisionLog | RedisDecisionLog]:
    """The log of decisions of the processes that are started on a folder."""
    if chosen_engine() == "redis":
        async with open_client(redis_of(folder)) as client:
            yield RedisDecisionLog(client)
        return
    database = await Database.open(DataFolder(path=folder, dimensions=8))
    try:
        yield SqliteDecisionLog(database)
    finally:
        await database.close()


@asynccontextmanager
async def engine_ports(folder: Path, *, dimensions: int) -> AsyncIterator[Ports]:
    """The stores and the queue of the engine that suites run on, over a folder."""
    opened = _on_redis if chosen_engine() == "redis" else _on_sqlite
    async with opened(folder, dimensions) as ports:
        yield ports


@asynccontextmanager
async def _on_sqlite(folder: Path, dimensions: int) -> AsyncIterator[Ports]:
    database = await Database.open(DataFolder(path=folder, dimensions=dimensions, durability="normal"))
    try:
        memories = SqliteMemoryStore(database, Searcher(SearchSettings(dimensions=dimensions)))
        jobs = SqliteJobs(database)
        yield Ports(
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
    finally:
        await database.close()


@asynccontextmanager
async def _on_redis(folder: Path, dimensions: int) -> AsyncIterator[Ports]:
    async with open_client(redis_of(folder)) as client:
        records, sessions = IndexOptions(dimensions=dimensions), SessionOptions()
        await ensure_index(client, records)
        await ensure_session_index(client, sessions)
        memories = RedisMemoryStore(client, records, sessions=sessions)
        jobs = RedisJobs(client, _QUEUE)
        yield Ports(
            memories=memories,
            restoring=memories,
            sessions=RedisSessionStore(client, sessions, records),
            tokens=RedisTokenStore(client),
            answers=RedisIdempotencyStore(client),
            views=RedisViewStore(client),
            decisions=RedisDecisions(client),
            decision_log=RedisDecisionLog(client),
            jobs=jobs,
            claims=jobs,
        )
