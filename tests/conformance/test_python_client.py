"""The published Python client, unchanged and in an environment of its own, drives a running server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.engines import ENGINES, serving_on
from tests.support.environments import python_with, run_in

HERE = Path(__file__).parent


@pytest.mark.parametrize("engine", ENGINES)
def test_the_published_python_client_is_served(engine: str, redis_url: str, tmp_path: Path) -> None:
    python = python_with(HERE / "requirements-python-client.txt")
    with serving_on(engine, redis_url, tmp_path / "data") as server:
        run_in(python, HERE / "drive_python_client.py", server.url, own_client=False)
