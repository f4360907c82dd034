"""Both engines' queues tell the same of every history."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.jobs import RedisJobs
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.jobs import SqliteJobs
from agent_memory_server.ports.jobs import Claim, Job
from tests.support.jobs import Queue

START = 1_000
LEASE_S = 30.0
_seconds = st.integers(0, 40)


@dataclass(slots=True)
class History:
    """What happens to one queue. claims: all that were ever taken; told: everything that could be seen."""

    jobs: Queue
    now: int = START
    claims: list[Claim] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)

    async def add(self, job: Job, due: int, longest: int | None, unless: int | None) -> None:
        await self.jobs.add(
            job,
            due=self.now + due - 10,
            postpone=longest is not None,
            longest_s=longest,
            unless_dead_since=None if unless is None else self.now - unless,
        )

    async def claim(self, limit: int) -> None:
        taken = await self.jobs.claim(now=self.now, lease_s=LEASE_S, limit=limit)
        self.claims += taken
        self.told.append([(each.job, each.attempt, each.failures, each.failing_since) for each in taken])

    async def settle(self, which: int, how: str, due: int) -> None:
        if not self.claims:
            return
        claim = self.claims[-1 - which % len(self.claims)]
        match how:
            case "renew":
                self.told.append(await self.jobs.renew(claim, now=self.now, lease_s=LEASE_S))
            case "done":
                await self.jobs.done(claim)
            case "give up":
                await self.jobs.give_up(claim, now=self.now, error=str(due))
            case "release":
                await self.jobs.release(claim, now=self.now)
            case _:
                await self.jobs.fail(claim, now=self.now, due=self.now + due, error=how, counts=how == "fail")

    async def dig(self, which: int, retry: bool) -> None:
        dead = await self.jobs.dead()
        ids = [each.id for each in dead[which : which + 2]]
        self.told.append(await (self.jobs.retry(ids, now=self.now) if retry else self.jobs.discard(ids)))

    async def look(self) -> None:
        dead = [(each.job, each.attempts, each.error, each.failed_at) for each in await self.jobs.dead()]
        self.told.append((await self.jobs.figures(), dead))


_jobs = st.builds(
    Job,
    kind=st.sampled_from(["x", "y"]),
    key=st.sampled_from("abc"),
    arguments=st.fixed_dictionaries({"n": st.sampled_from("12")}),
    group=st.sampled_from(["", "g", "h"]),
)
_settling = st.sampled_from(["done", "fail", "outage", "give up", "release", "renew"])
_steps = st.one_of(
    st.tuples(st.just("add"), _jobs, _seconds, st.none() | _seconds, st.none() | _seconds),
    st.tuples(st.just("claim"), st.integers(1, 3)),
    st.tuples(st.just("settle"), st.integers(0, 4), _settling, _seconds),
    st.tuples(st.just("dig"), st.integers(0, 2), st.booleans()),
    st.tuples(st.just("pass"), _seconds),
)


async def told(jobs: Queue, steps: Sequence[tuple[Any, ...]]) -> list[Any]:
    history = History(jobs)
    for name, *details in steps:
        if name == "pass":
            history.now += details[0]
        else:
            await getattr(history, name)(*details)
        await history.look()
    return history.told


Both = Callable[[Sequence[tuple[Any, ...]]], tuple[list[Any], list[Any]]]


@pytest.fixture(scope="module")
def both(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Plays a history on an empty queue of each engine."""
    names = map(str, itertools.count())

    async def opened() -> tuple[Redis, Database]:
        folder = DataFolder(path=tmp_path_factory.mktemp("queues"), dimensions=8)
        return open_client(redis_url), await Database.open(folder)

    async def play(steps: Sequence[tuple[Any, ...]]) -> tuple[list[Any], list[Any]]:
        await database.write(lambda connection: connection.execute("DELETE FROM jobs"))
        return await told(SqliteJobs(database), steps), await told(RedisJobs(client, next(names)), steps)

    async def close() -> None:
        await client.flushall()
        await client.aclose()
        await database.close()

    with asyncio.Runner() as runner:
        client, database = runner.run(opened())
        try:
            yield lambda steps: runner.run(play(steps))
        finally:
            runner.run(close())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_steps, max_size=30))
def test_the_same_history_is_told_alike_by_both_engines(both: Both, steps: list[tuple[Any, ...]]) -> None:
    sqlite, redis = both(steps)
    assert redis == sqlite
