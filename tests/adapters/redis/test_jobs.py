"""The queue in Redis: clocks that differ, keys that are lost, and waiting that costs nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import Limits, open_client
from agent_memory_server.adapters.redis.jobs import RedisJobs
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.ports.jobs import Job, JobFigures
from tests.support.redis_cluster import redis_cluster, slot_of
from tests.support.waiting import until

NAME = "memory-server"
LEASE_S = 30.0
FAST_S = 900.0
"""How much the clock of one machine is ahead."""


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        yield opened


def fast() -> float:
    return time.time() + FAST_S


async def test_machines_whose_clocks_differ_agree_on_what_is_due_and_whose_lease_ended(client: Redis) -> None:
    ahead, right = RedisJobs(client, NAME, clock=fast), RedisJobs(client, NAME, clock=time.time)
    await ahead.add(Job(kind="work", key="now"), due=fast())
    await ahead.add(Job(kind="work", key="in an hour"), due=fast() + 3600)
    (held,) = await right.claim(now=time.time(), lease_s=LEASE_S, limit=9)
    assert held.job.key == "now"
    assert list(await ahead.claim(now=fast(), lease_s=LEASE_S, limit=9)) == []
    await right.fail(held, now=time.time(), due=time.time(), error="broken", counts=True)
    (again,) = await ahead.claim(now=fast(), lease_s=LEASE_S, limit=9)
    assert again.failing_since == pytest.approx(fast(), abs=60)
    await ahead.give_up(again, now=fast(), error="broken")
    assert [dead.failed_at for dead in await right.dead()] == [pytest.approx(time.time(), abs=60)]
    await right.add(Job(kind="work", key="now"), due=0, unless_dead_since=time.time() - 60)
    assert await right.figures() == JobFigures(waiting=1, running=0, dead=1)


async def test_queues_of_two_names_know_nothing_of_each_other(client: Redis) -> None:
    one, other = RedisJobs(client, "one"), RedisJobs(client, "other")
    await one.add(Job(kind="work", key="k"), due=0)
    assert await other.figures() == JobFigures(waiting=0, running=0, dead=0)
    assert list(await other.claim(now=1, lease_s=LEASE_S)) == []
    assert len(await one.claim(now=1, lease_s=LEASE_S)) == 1


@pytest.mark.parametrize("lost", keys.queue(NAME))
async def test_whichever_key_of_the_queue_is_lost_work_that_is_added_again_runs(client: Redis, lost: str) -> None:
    jobs = RedisJobs(client, NAME)
    works = [Job(kind="work", key=str(n), group="g" if n < 3 else "") for n in range(6)]
    for work in works:
        await jobs.add(work, due=0)
    await jobs.claim(now=1, lease_s=LEASE_S, limit=2)
    await client.delete(lost)
    for work in works:
        await jobs.add(work, due=0)
    done = set()
    for now in range(100, 2000, 100):
        for claim in await jobs.claim(now=now, lease_s=LEASE_S, limit=9):
            done.add(claim.job.key)
            await jobs.done(claim)
    assert done == {work.key for work in works}
    assert await jobs.figures() == JobFigures(waiting=0, running=0, dead=0)


async def test_an_emptied_queue_gives_no_id_twice(client: Redis) -> None:
    jobs = RedisJobs(client, NAME)
    await jobs.add(Job(kind="work", key="before"), due=0)
    (old,) = await jobs.claim(now=1, lease_s=LEASE_S)
    await client.flushall()
    await jobs.add(Job(kind="work", key="after"), due=0)
    (new,) = await jobs.claim(now=1, lease_s=LEASE_S)
    await jobs.done(old)  # by a worker that did not notice
    assert await jobs.renew(new, now=1, lease_s=LEASE_S)


async def test_a_long_queue_of_one_group_is_worked_off_in_order(client: Redis) -> None:
    jobs = RedisJobs(client, NAME)
    count = 1200  # more than one claim puts out of the way
    for start in range(0, count, 100):
        await asyncio.gather(
            *(jobs.add(Job(kind="work", key=f"{n:04}", group="g"), due=n) for n in range(start, start + 100))
        )
    await jobs.add(Job(kind="work", key="free"), due=count)
    taken = []
    held = list(await jobs.claim(now=9e9, lease_s=LEASE_S, limit=9))
    for _ in range(5):
        held += await jobs.claim(now=9e9, lease_s=LEASE_S, limit=9)
    assert [claim.job.key for claim in held] == ["0000", "free"]
    free = held.pop()
    while held:
        taken.append(held[0].job.key)
        await jobs.done(held[0])
        held = list(await jobs.claim(now=9e9, lease_s=LEASE_S, limit=9))
        assert len(held) <= 1
    assert taken == [f"{n:04}" for n in range(count)]
    await jobs.done(free)
    assert await client.exists(*keys.queue(NAME)[1:-1]) == 0


async def test_a_queue_whose_slot_moves_in_a_cluster_loses_nothing() -> None:
    with redis_cluster() as cluster:
        async with open_client(cluster.url, Limits(answer_s=2.0)) as client:
            jobs = RedisJobs(client, NAME)
            acknowledged = [str(n) for n in range(20)]
            for key in acknowledged:
                await jobs.add(Job(kind="work", key=key, group="g"), due=0)
            (running,) = await jobs.claim(now=1, lease_s=LEASE_S, limit=9)
            slot = slot_of(keys.queue(NAME)[0])
            target = next(node for node in cluster.primaries if node is not cluster.owner(slot))
            source = cluster.begin_move(slot, target)
            cluster.move_keys(slot, source, target, most=3)
            with suppress(Unavailable):  # keys of one step lie on two nodes
                await jobs.add(Job(kind="work", key="during"), due=0)
                acknowledged.append("during")
            cluster.move_keys(slot, source, target)
            cluster.end_move(slot, source, target)
            await jobs.done(running)
            done = [running.job.key]
            while claimed := await jobs.claim(now=1, lease_s=LEASE_S, limit=9):
                for claim in claimed:
                    done.append(claim.job.key)
                    await jobs.done(claim)
            assert sorted(done) == sorted(acknowledged)
            assert await jobs.figures() == JobFigures(waiting=0, running=0, dead=0)


async def test_of_several_who_wait_one_is_woken_by_each_job(client: Redis) -> None:
    jobs = RedisJobs(client, NAME)
    waiting = {asyncio.create_task(jobs.arrival(now=0, within_s=5)) for _ in range(3)}

    async def all_wait() -> bool:
        return sum(each["cmd"] == "blpop" for each in await client.client_list()) == 3

    await until(all_wait)
    for left in (2, 1):
        await jobs.add(Job(kind="work", key=str(left)), due=0)
        _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert len(waiting) == left
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
