from __future__ import annotations

import pytest

from tests.support.chosen_engine import on_both

ON_BOTH = {"test_silent_model"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc, ON_BOTH, "engine")
