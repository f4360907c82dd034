"""The published Python client, unchanged and in an environment of its own, drives a running server."""

from __future__ import annotations

from pathlib import Path

from tests.support.environments import python_with, run_in
from tests.support.processes import serving

HERE = Path(__file__).parent


def test_the_published_python_client_is_served(tmp_path: Path) -> None:
    python = python_with(HERE / "requirements-python-client.txt")
    with serving(tmp_path / "data") as server:
        run_in(python, HERE / "drive_python_client.py", server.url, own_client=False)
