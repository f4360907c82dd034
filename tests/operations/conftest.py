from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.decisions import RedisDecisions
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.operations.application import Application
from tests.operations.given import NOW, SettableClock
from tests.support.rest import DIMENSIONS, application


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOW)


@pytest.fixture
async def app(tmp_path: Path, clock: SettableClock) -> AsyncIterator[Application]:
    async with application(tmp_path, clock=clock) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "redis"])
async def on_each_engine(app: Application, request: pytest.FixtureRequest) -> AsyncIterator[Application]:
    """An application whose records are kept by each of the engines."""
    if request.param == "sqlite":
        yield app
        return
    async with open_client(request.getfixturevalue("redis_url")) as client:
        await client.flushall()
        options = IndexOptions(dimensions=DIMENSIONS)
        await ensure_index(client, options)
        store = RedisMemoryStore(client, options)
        yield replace(app, memories=store, restoring=store, decisions=RedisDecisions(client))
