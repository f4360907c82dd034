from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.mcp import Calls
from tests.support.mcp import calls as opened


@pytest.fixture
async def call(tmp_path: Path) -> AsyncIterator[Calls]:
    """Tools over the real application, without a transport."""
    async with opened(tmp_path) as ready:
        yield ready
