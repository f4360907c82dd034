from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.chosen_engine import on_both
from tests.support.mcp import Calls
from tests.support.mcp import calls as opened

ON_BOTH = frozenset({"test_place", "test_tools"})
"""Modules whose tests run on Redis as well; `make test-redis` runs all of them there."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc, ON_BOTH, "call")


@pytest.fixture
async def call(tmp_path: Path, engine: str) -> AsyncIterator[Calls]:
    """Tools over the real application, without a transport."""
    async with opened(tmp_path) as ready:
        yield ready
