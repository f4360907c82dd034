from __future__ import annotations

import pytest

from tests.support.chosen_engine import on_both

ON_BOTH = frozenset({"test_embedding_job", "test_loop", "test_schedule", "test_silent_model", "test_upkeep"})
"""Modules whose tests run on Redis as well; `make test-redis` runs all of them there."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc, ON_BOTH, "engine")


@pytest.fixture(autouse=True)
def chosen(engine: str) -> str:
    """Work is done on the engine that is chosen."""
    return engine
