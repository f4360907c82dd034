from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent_memory_server.operations.application import Application
from tests.operations.given import NOW, SettableClock
from tests.support.chosen_engine import on_both
from tests.support.redis_application import on_redis
from tests.support.rest import application

ON_BOTH = frozenset({"test_forget", "test_summarize"})
"""Modules whose tests run on Redis as well; `make test-redis` runs all of them there."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc, ON_BOTH, "chosen")


@pytest.fixture(autouse=True)
def chosen(engine: str) -> str:
    """What is opened is opened on the engine that is chosen."""
    return engine


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
