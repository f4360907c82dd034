"""`agent-memory jobs`, where jobs were given up."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.ports.jobs import Job
from tests.support.chosen_engine import ON_REDIS, queue_in
from tests.support.processes import run

NOW = 1_790_000_000.0


def bury(folder: Path, *keys: str) -> None:
    async def work() -> None:
        async with queue_in(folder) as queue:
            for key in keys:
                await queue.add(Job(kind="work", key=key), due=NOW)
                (claim,) = await queue.claim(now=NOW, lease_s=30)
                await queue.give_up(claim, now=NOW, error="invalid_request: no")

    asyncio.run(work())


def counted(waiting: int, dead: int, oldest: str | None = None) -> dict[str, Any]:
    return {"waiting": waiting, "running": 0, "dead": dead, "workers": 0, "oldest_due_at": oldest}


def said(folder: Path, *args: str) -> Any:
    done = run(folder, "jobs", *args, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_was_given_up_is_shown_retried_and_discarded(folder: Path) -> None:
    bury(folder, "a", "b")
    assert said(folder, "status") == counted(0, 2)
    newest, oldest = said(folder, "dead")
    assert (newest["key"], oldest["key"]) == ("b", "a")
    failed_at = datetime.fromisoformat(oldest["failed_at"]).timestamp()
    assert failed_at == pytest.approx(NOW, abs=5.0 if ON_REDIS else 0.0)  # where times are those of its clock
    shown = run(folder, "jobs", "dead").stdout
    assert re.search(rf"{oldest['id']}  2026-09-21T14:13:\S+Z  work  a  1 attempt: invalid_request: no", shown)
    assert said(folder, "retry", oldest["id"]) == {"count": 1}
    assert said(folder, "discard", "--all") == {"count": 1}
    left = said(folder, "status")
    assert left == counted(1, 0, left["oldest_due_at"])
    assert left["oldest_due_at"] is not None
    assert "A job has waited for a worker for " in run(folder, "jobs", "status").stdout
    assert run(folder, "jobs", "dead").stdout == "No job was given up.\n"
    none = run(folder, "jobs", "retry", "nothing")
    assert (none.returncode, none.stdout) == (1, "Queued again: 0.\n")


def test_ids_or_all_must_be_said(folder: Path) -> None:
    for args in (["retry"], ["discard", "1", "--all"]):
        done = run(folder, "jobs", *args)
        assert done.returncode == 2
        assert "name ids, or use --all" in done.stderr
