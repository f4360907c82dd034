"""A worker runs every job to its end, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from agent_memory_server.domain import errors
from agent_memory_server.domain.errors import InvalidRequest, MemoryServerError, NotFound, Unavailable
from agent_memory_server.interfaces.worker.loop import Worker
from agent_memory_server.interfaces.worker.options import WorkerOptions
from agent_memory_server.interfaces.worker.outcome import VERDICTS, outcome_of
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.upkeep import queue_embedding
from agent_memory_server.ports.jobs import Claim, Claims, Job, JobFigures
from tests.support.jobs import QUICK, queue_of, working
from tests.support.rest import application, wall_clock
from tests.support.waiting import until

NOTHING = JobFigures(waiting=0, running=0, dead=0)


class Work:
    """A handler that notes what ran, fails as often as it is told to, and waits while it is held."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.seen: list[str] = []
        self.free = asyncio.Event()
        self.free.set()
        self.at_once = self.most_at_once = 0

    async def __call__(self, _app: Application, arguments: Mapping[str, str]) -> None:
        self.seen.append(arguments.get("n", ""))
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await self.free.wait()
            await asyncio.sleep(0)
            if self.failures:
                raise self.failures.pop(0)
        finally:
            self.at_once -= 1


async def add(app: Application, *keys: str, group: str = "") -> None:
    for key in keys:
        await app.jobs.add(Job(kind="work", key=key, arguments={"n": key}, group=group), due=0)


async def settled(app: Application, figures: JobFigures = NOTHING) -> None:
    async def as_said() -> bool:
        return await app.jobs.figures() == figures

    await until(as_said)


async def ran(work: Work, times: int) -> None:
    async def often_enough() -> bool:
        return len(work.seen) >= times

    await until(often_enough)


async def test_every_job_is_run_once(tmp_path: Path) -> None:
    work = Work()
    async with application(tmp_path) as app, working(app, {"work": work}):
        await add(app, *map(str, range(30)))
        await settled(app)
    assert sorted(work.seen) == sorted(map(str, range(30)))


async def test_no_more_jobs_run_at_once_than_allowed(tmp_path: Path) -> None:
    work = Work()
    work.free.clear()
    async with application(tmp_path) as app, working(app, {"work": work}, replace(QUICK, concurrency=3)):
        await add(app, *map(str, range(9)))
        await ran(work, 3)
        work.free.set()
        await settled(app)
    assert (work.most_at_once, len(work.seen)) == (3, 9)


async def test_texts_are_embedded_also_when_every_place_is_taken(tmp_path: Path) -> None:
    work, embedding = Work(), Work()
    work.free.clear()
    async with application(tmp_path) as app:
        handlers = {"work": work, "embed_owed": embedding}
        async with working(app, handlers, replace(QUICK, concurrency=2)):
            await add(app, "a", "b", "c")
            await ran(work, 2)
            for times in (1, 2):
                await queue_embedding(app)
                await ran(embedding, times)
            assert len(work.seen) == 2
            work.free.set()
            await settled(app)
    assert work.most_at_once == 2


async def test_jobs_of_one_group_run_one_at_a_time_on_all_workers(tmp_path: Path) -> None:
    work = Work()
    async with application(tmp_path) as app:
        await add(app, *map(str, range(12)), group="session")
        async with working(app, {"work": work}), working(app, {"work": work}):
            await settled(app)
    assert (work.most_at_once, work.seen) == (1, [str(n) for n in range(12)])


async def test_an_outage_is_waited_for_without_counting(tmp_path: Path) -> None:
    work = Work(*(Unavailable("asleep") for _ in range(12)))
    async with application(tmp_path) as app, working(app, {"work": work}, replace(QUICK, attempts=2)):
        await add(app, "a")
        await settled(app)
    assert len(work.seen) == 13


async def test_a_fault_is_tried_again_and_then_given_up_with_no_word_of_its_message(tmp_path: Path) -> None:
    work = Work(*(ValueError("Ann's secret") for _ in range(12)))
    async with application(tmp_path) as app:
        with capture_logs() as logs:
            async with working(app, {"work": work}, replace(QUICK, attempts=3)):
                await add(app, "a")
                await settled(app, JobFigures(waiting=0, running=0, dead=1))
        (dead,) = await app.jobs.dead()
    assert (len(work.seen), dead.attempts, dead.error) == (3, 3, "ValueError (see the log of the worker)")
    assert "secret" not in repr(logs)
    assert [entry["event"] for entry in logs].count("job.given_up") == 1


async def test_what_cannot_succeed_is_given_up_at_once_and_what_is_gone_is_done(tmp_path: Path) -> None:
    async with application(tmp_path) as app, working(app, {"work": Work(InvalidRequest("no such strategy"))}):
        await add(app, "a")
        await settled(app, JobFigures(waiting=0, running=0, dead=1))
        (dead,) = await app.jobs.dead()
        assert (dead.attempts, dead.error) == (1, "invalid_request: no such strategy")
    async with application(tmp_path / "2") as app, working(app, {"work": Work(NotFound("no session"))}):
        await add(app, "a")
        await settled(app)


async def test_an_attempt_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    work = Work()
    work.free.clear()
    async with application(tmp_path) as app:
        async with working(app, {"work": work}, replace(QUICK, attempts=1, job_timeout_s=0.01)):
            await add(app, "a")
            await settled(app, JobFigures(waiting=0, running=0, dead=1))
        assert [dead.error for dead in await app.jobs.dead()] == ["an attempt took longer than 0.01 s"]


async def test_work_that_goes_through_the_whole_store_may_take_longer(tmp_path: Path) -> None:
    ended: list[str] = []

    async def slow(_app: Application, arguments: Mapping[str, str]) -> None:
        await asyncio.sleep(0.4)
        ended.append(arguments["n"])

    async with application(tmp_path) as app:
        options = replace(QUICK, attempts=1, job_timeout_s=0.3)
        async with working(app, {"work": slow, "refresh_views": slow}, options):
            for kind in ("work", "refresh_views"):
                await app.jobs.add(Job(kind=kind, key="a", arguments={"n": kind}), due=0)
            await settled(app, JobFigures(waiting=0, running=0, dead=1))
    assert ended == ["refresh_views"]


async def test_a_job_that_no_handler_knows_waits_for_a_worker_that_does(tmp_path: Path) -> None:
    work = Work()
    async with application(tmp_path) as app:
        await add(app, "a")
        with capture_logs() as logs:
            async with working(app, {}):

                async def tried() -> bool:
                    return "job.retried" in [entry["event"] for entry in logs]

                await until(tried)
        async with working(app, {"work": work}):
            await settled(app)
    assert work.seen == ["a"]


async def test_a_running_job_keeps_its_lease(tmp_path: Path) -> None:
    work = Work()
    work.free.clear()
    async with application(tmp_path) as app:
        options = replace(QUICK, lease_s=0.3)
        async with working(app, {"work": work}, options), working(app, {"work": work}, options):
            await add(app, "a")
            await ran(work, 1)
            renewed = wall_clock() + 4 * options.lease_s

            async def several_leases_later() -> bool:
                return wall_clock() > renewed

            await until(several_leases_later)
            assert work.seen == ["a"]
            work.free.set()
            await settled(app)
    assert work.seen == ["a"]


async def test_a_job_whose_workers_die_is_given_up(tmp_path: Path) -> None:
    work = Work()
    async with application(tmp_path) as app:
        await add(app, "a")
        now = wall_clock()
        for n in range(3):
            assert await queue_of(app).claim(now=now + n, lease_s=0.5)
        async with working(app, {"work": work}, replace(QUICK, attempts=3)):
            await settled(app, JobFigures(waiting=0, running=0, dead=1))
        assert [dead.error for dead in await app.jobs.dead()] == ["its worker died 3 times"]
    assert work.seen == []


async def test_a_worker_that_stops_lets_running_jobs_end(tmp_path: Path) -> None:
    work = Work()
    work.free.clear()
    async with application(tmp_path) as app:
        async with working(app, {"work": work}, replace(QUICK, concurrency=1)) as worker:
            await add(app, "a", "b")
            await ran(work, 1)
            worker.stop()
            await asyncio.sleep(0)
            work.free.set()
        assert await app.jobs.figures() == JobFigures(waiting=1, running=0, dead=0)
    assert work.seen == ["a"]


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
async def test_what_has_not_ended_in_time_is_handed_back(tmp_path: Path, how: str) -> None:
    work = Work()
    work.free.clear()
    async with application(tmp_path) as app:
        worker = Worker(app, queue_of(app), options=replace(QUICK, drain_s=0.01), handlers={"work": work})
        running = asyncio.ensure_future(worker.run())
        await add(app, "a")
        await ran(work, 1)
        ends: dict[str, Callable[[], object]] = {"stopped": worker.stop, "cancelled": running.cancel}
        ends[how]()
        await asyncio.gather(running, return_exceptions=True)
        (again,) = await queue_of(app).claim(now=wall_clock(), lease_s=30)
        assert again.attempt == 1


async def test_a_worker_carries_on_after_its_queue_failed(tmp_path: Path) -> None:
    work = Work()
    async with application(tmp_path) as app:
        queue = queue_of(app)

        class Shaky:
            """The queue, whose calls of each name fail at first."""

            def __init__(self) -> None:
                self.failed: set[str] = set()

            def __getattr__(self, name: str) -> Callable[..., object]:
                async def call(*args: object, **named: object) -> object:
                    if name not in self.failed:
                        self.failed.add(name)
                        raise Unavailable("the queue is down")
                    return await getattr(queue, name)(*args, **named)

                return call

        worker = Worker(app, cast("Claims", Shaky()), options=QUICK, handlers={"work": work})
        running = asyncio.ensure_future(worker.run())
        await add(app, "a")
        await settled(app)
        worker.stop()
        await running
    assert work.seen == ["a"]


async def test_a_worker_gives_signs_of_life_to_the_queue_and_to_a_file_until_it_leaves(tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"
    async with application(tmp_path / "data") as app:

        async def workers(count: int) -> bool:
            return (await app.jobs.pulse(now=app.clock())).workers == count

        async with working(app, {}, replace(QUICK, heartbeat=heartbeat, beat_s=0.01)), working(app, {}):
            await until(lambda: workers(2))
            first = heartbeat.stat().st_mtime_ns

            async def touched_again() -> bool:
                return heartbeat.stat().st_mtime_ns > first

            await until(touched_again)
        assert await workers(0)


async def test_a_heartbeat_that_cannot_be_written_is_told_and_hinders_nothing(tmp_path: Path) -> None:
    work = Work()
    async with application(tmp_path) as app:
        with capture_logs() as logs:
            async with working(app, {"work": work}, replace(QUICK, heartbeat=tmp_path / "none" / "heartbeat")):
                await add(app, "a")
                await settled(app)
    assert "worker.no_heartbeat" in [entry["event"] for entry in logs]


def error_classes(cls: type[MemoryServerError] = MemoryServerError) -> list[type[MemoryServerError]]:
    return [cls, *(below for sub in cls.__subclasses__() for below in error_classes(sub))]


def test_every_error_has_a_verdict_of_its_own_or_of_the_class_above() -> None:
    named = {cls for cls in error_classes() if cls.__module__ == errors.__name__}
    assert {cls for cls in named if cls not in VERDICTS} == {errors.DeadlineExceeded}


def test_the_pause_grows_to_its_longest_and_a_long_outage_ends() -> None:
    options = WorkerOptions(backoff_s=1, longest_backoff_s=60, outage_s=1000)
    claim = Claim(id="1", lease="1", job=Job(kind="work", key="a"), attempt=1)
    for failures, longest in ((0, 1), (1, 2), (5, 32), (6, 60), (10_000, 60)):
        failing = replace(claim, failures=failures, failing_since=0.0)
        due = outcome_of(failing, Unavailable("asleep"), options, now=500.0).due
        assert due is not None
        assert longest / 2 <= due - 500 <= longest
    assert outcome_of(replace(claim, failing_since=0.0), Unavailable("asleep"), options, now=1000.0).due is None
