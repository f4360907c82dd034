"""Redis dies under a worker and comes back: the worker carries on, and every job is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.jobs import RedisJobs
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.jobs import Job, JobFigures
from tests.support.jobs import QUICK, working
from tests.support.redis_processes import PERSISTENT, Node, redis_processes
from tests.support.rest import application
from tests.support.waiting import until

JOBS = 12
NOTHING = JobFigures(waiting=0, running=0, dead=0)


@pytest.fixture
def node() -> Iterator[Node]:
    with redis_processes() as processes:
        yield processes.start(*PERSISTENT)


@pytest.fixture
async def app(node: Node, tmp_path: Path) -> AsyncIterator[Application]:
    async with application(tmp_path) as embedded, open_client(node.url) as client:
        yield replace(embedded, jobs=RedisJobs(client, "memory-server", clock=time.time))


async def test_a_worker_whose_queue_dies_waits_and_does_every_job_when_it_is_back(node: Node, app: Application) -> None:
    free = asyncio.Event()
    began: list[str] = []

    async def work(_app: Application, arguments: Mapping[str, str]) -> None:
        began.append(arguments["n"])
        await free.wait()

    for n in range(JOBS):
        await app.jobs.add(Job(kind="work", key=str(n), arguments={"n": str(n)}), due=0)
    options = replace(QUICK, concurrency=4, lease_s=2, poll_s=0.1)
    with capture_logs() as logs:
        async with working(app, {"work": work}, options):

            async def all_taken() -> bool:
                return len(began) == options.concurrency

            await until(all_taken)
            node.kill()
            with pytest.raises(Unavailable):
                await app.jobs.add(Job(kind="work", key="refused"), due=0)
            free.set()

            async def noticed() -> bool:
                events = [entry["event"] for entry in logs]
                return events.count("job.not_settled") >= 4 and events.count("worker.no_queue") >= 2

            await until(noticed)
            node.start_again()

            async def all_done() -> bool:
                return await app.jobs.figures() == NOTHING

            await until(all_done)
    assert set(began) == set(map(str, range(JOBS)))
    pauses = [entry["retry_in_s"] for entry in logs if entry["event"] == "worker.no_queue"]
    assert pauses[1] >= pauses[0] / 2  # each at most twice the one before, at least its half


async def test_a_worker_hears_of_work_again_after_its_queue_came_back(node: Node, app: Application) -> None:
    seen: list[str] = []

    async def work(_app: Application, arguments: Mapping[str, str]) -> None:
        seen.append(arguments["n"])

    async with working(app, {"work": work}, replace(QUICK, poll_s=5)):  # which waits for the bell, not for a poll
        for n in ("before", "after"):
            await app.jobs.add(Job(kind="work", key=n, arguments={"n": n}), due=0)

            async def heard(expected: str = n) -> bool:
                return expected in seen

            await until(heard)
            if n == "before":
                node.kill()
                node.start_again()
