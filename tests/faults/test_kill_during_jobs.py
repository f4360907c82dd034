"""Processes die and models sleep in the middle of background work; all of it is done in the end, and nothing twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from agent_memory_server.ports.jobs import Job, JobFigures
from tests.support.embedding_service import DIMENSIONS, embedding_service
from tests.support.processes import serving
from tests.support.rest import application
from tests.support.waiting import until

ROOT = Path(__file__).parent.parent.parent
CREATES = 20


@contextmanager
def worker(folder: Path, behaviour: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.worker_process", str(folder), behaviour],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_a_job_whose_worker_was_killed_is_done_by_another(tmp_path: Path) -> None:
    async with application(tmp_path) as app:
        for n in ("1", "2"):
            await app.jobs.add(Job(kind="work", key=n, arguments={"n": n}, group="session"), due=float(n))
        with worker(tmp_path, "hold") as held:
            assert await asyncio.to_thread(next_line, held) == "1"
            assert await app.jobs.figures() == JobFigures(waiting=1, running=1, dead=0)
            held.kill()
        with worker(tmp_path, "tell") as other:
            assert [await asyncio.to_thread(next_line, other) for _ in range(2)] == ["1", "2"]

            async def none_left() -> bool:
                return await app.jobs.figures() == JobFigures(waiting=0, running=0, dead=0)

            await until(none_left)


def create(http: httpx2.Client, count: int) -> None:
    for n in range(count):
        record = {"id": f"m{n}", "text": f"fact number {n}"}
        http.post("/v1/long-term-memory/", json={"memories": [record]}).raise_for_status()


async def all_embedded(http: httpx2.Client, count: int) -> None:
    async def found_by_meaning() -> bool:
        body = {"text": "fact number 7", "search_mode": "semantic", "limit": 100}
        found = http.post("/v1/long-term-memory/search", json=body).raise_for_status().json()
        return found["total"] == count and "degraded" not in found

    await until(found_by_meaning)


async def test_what_was_acknowledged_before_kill_9_while_the_model_slept_is_stored_and_embedded_later(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    with embedding_service() as model:
        settings = {
            "EMBEDDING_MODEL": "openai/test",
            "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
            "OPENAI_API_BASE": model.url,
            "EMBEDDING_ATTEMPTS": "1",
            "EMBEDDING_BREAKER_COOLDOWN_S": "0.2",
        }
        model.fail(500, times=10_000)
        with serving(folder, env=settings) as server, server.client() as http:
            create(http, CREATES)
            server.kill()
        model.script.clear()
        with serving(folder, env=settings) as server, server.client() as http:
            await all_embedded(http, CREATES)
            assert server.stop() == 0
