"""Forgetting by the operator's rules, at intervals: real servers and workers, on both engines, by settings alone."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.chosen_engine import on_both, settings_of
from tests.support.processes import serving, working
from tests.support.waiting import until

DAY_S = 86_400.0
AGES: dict[str, tuple[float, float]] = {
    "ancient": (400, 1),
    "idle": (50, 20),
    "used": (50, 1),
    "young": (5, 5),
    "pinned": (400, 400),
}
"""Days since it was stored and since it was used, by id."""
RULES = {
    "FORGETTING_MAX_AGE_DAYS": "30",
    "FORGETTING_MAX_INACTIVE_DAYS": "10",
    "FORGETTING_BUDGET_KEEP_TOP_N": "1",
    "FORGETTING_EVERY_MINUTES": "0.005",
}
STAYS = {"young", "pinned"}
"""By age and use "ancient" and "idle" go; of the other two the budget keeps the one that is more recent."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both(metafunc, {"test_forgetting"}, "engine")


def remember(http: httpx2.Client) -> None:
    now = time.time()
    records: list[dict[str, Any]] = [
        {"id": id_, "text": id_, "created_at": now - age * DAY_S, "last_accessed": now - idle * DAY_S, "user_id": "ana"}
        for id_, (age, idle) in AGES.items()
    ]
    records[-1]["pinned"] = True
    http.post("/v1/long-term-memory/", json={"memories": records, "deduplicate": False}).raise_for_status()


def left(http: httpx2.Client) -> set[str]:
    found = http.get("/v1/long-term-memory?limit=100").raise_for_status().json()
    return {memory["id"] for memory in found["memories"]}


@pytest.mark.parametrize("worker", [False, True], ids=["inline", "with a worker"])
async def test_what_the_rules_let_go_goes_by_itself(tmp_path: Path, engine: str, worker: bool) -> None:
    folder = tmp_path / "data"
    env = settings_of(folder) | RULES | {"FORGETTING_ENABLED": "true"}
    backend = "docket" if worker else "asyncio"
    with serving(folder, "--task-backend", backend, env=env) as server, server.client() as http, ExitStack() as stack:
        remember(http)
        if worker:
            assert left(http) == set(AGES)
            stack.enter_context(working(folder, env=env))

        async def gone() -> bool:
            return left(http) == STAYS

        await until(gone)
