from __future__ import annotations

import pytest

from tests.support.chosen_engine import on_both

ON_BOTH = frozenset(
    {
        "test_02_no_lost_update",
        "test_03_readable_at_once",
        "test_06_raw_stays",
        "test_07_deleted_stays_deleted",
        "test_08_state_is_the_truth",
        "test_09_flat_cost",
        "test_09_pipeline_cost",
        "test_11_honest_answers",
    }
)
"""Modules whose tests run on Redis as well; `make test-redis` runs all of them there."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc, ON_BOTH, "engine")


@pytest.fixture(autouse=True)
def chosen(engine: str) -> str:
    """Every promise is kept on the engine that is chosen."""
    return engine
