from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_memory_server.operations.application import Application
from tests.operations.given import NOW, SettableClock
from tests.support.rest import application


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOW)


@pytest.fixture
async def app(tmp_path: Path, clock: SettableClock) -> AsyncIterator[Application]:
    async with application(tmp_path, clock=clock) as opened:
        yield opened
