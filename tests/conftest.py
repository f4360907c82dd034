"""What tests of every kind share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.chosen_engine import chosen_engine, running_on
from tests.support.redis_server import redis_server


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of this test process, started when the first test asks for it."""
    with redis_server() as url:
        yield url


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine that a test runs on, where it is one of both (`on_both`)."""
    with running_on(getattr(request, "param", chosen_engine())) as chosen:
        yield chosen
