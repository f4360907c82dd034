from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent_memory_server.operations.application import Application
from tests.operations.given import NOW, SettableClock
from tests.support.redis_application import on_redis
from tests.support.rest import application


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
    async with on_redis(app, request.getfixturevalue("redis_url")) as other:
        yield replace(
            app,
            memories=other.memories,
            restoring=other.restoring,
            decisions=other.decisions,
            decision_log=other.decision_log,
        )
