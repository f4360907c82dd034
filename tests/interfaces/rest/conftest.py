from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.chosen_engine import on_both
from tests.support.rest import Server, serving

ON_BOTH = frozenset(
    {
        "test_append",
        "test_conditions",
        "test_extraction",
        "test_forget",
        "test_idempotency",
        "test_jobs",
        "test_long_term_memory",
        "test_prompt",
        "test_search",
        "test_search_filters",
        "test_summary_views",
        "test_working_memory",
    }
)
"""Modules whose tests run on Redis as well; `make test-redis` runs all of them there."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc, ON_BOTH, "server")


@pytest.fixture
async def server(tmp_path: Path, engine: str) -> AsyncIterator[Server]:
    async with serving(tmp_path) as running:
        yield running
