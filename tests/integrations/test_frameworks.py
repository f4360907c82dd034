"""Each integration against the real framework, in an environment of its own, and a server in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.engines import ENGINES, serving_on
from tests.support.environments import python_with, run_in

HERE = Path(__file__).parent


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("framework", ["langchain", "langgraph", "llama-index", "openai-agents", "pydantic-ai"])
def test_an_integration_serves_its_framework(framework: str, engine: str, redis_url: str, tmp_path: Path) -> None:
    python = python_with(HERE / f"requirements-{framework}.txt")
    with serving_on(engine, redis_url, tmp_path / "data") as server:
        run_in(python, HERE / f"drive_{framework.replace('-', '_')}.py", server.url, own_client=True)
