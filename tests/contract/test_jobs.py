"""The contracts of `Jobs` and `Claims`: both sides of a queue. Time is an argument, so the tests own it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agent_memory_server.ports.jobs import SEEN_WITHIN_S, Claim, Job, JobFigures
from tests.support.jobs import Queue

NOW = 1_700_000_000.0
LEASE_S = 30.0


def job(key: str = "k", *, kind: str = "work", group: str = "", **arguments: str) -> Job:
    return Job(kind=kind, key=key, arguments=arguments, group=group)


async def claim(jobs: Queue, *, at: float = NOW, limit: int = 100) -> list[Claim]:
    return list(await jobs.claim(now=at, lease_s=LEASE_S, limit=limit))


async def claim_one(jobs: Queue, *, at: float = NOW) -> Claim:
    (claimed,) = await claim(jobs, at=at)
    return claimed


async def add_dead(jobs: Queue, work: Job, *, at: float = NOW, error: str = "broken") -> None:
    await jobs.add(work, due=at)
    await jobs.give_up(await claim_one(jobs, at=at), now=at, error=error)


# --- adding and claiming ----------------------------------------------------------------------------------------------

ODD = ["", " ", "a:b|c,d", "{tag}", "\x00", "☃", "*?[x]", '"; DROP TABLE jobs; --', "x" * 2000]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
async def test_a_job_is_claimed_as_it_was_added(jobs: Queue, text: str) -> None:
    work = Job(kind="work", key=text, arguments={"id": text, "other": "1"}, group=text)
    await jobs.add(work, due=NOW)
    claimed = await claim_one(jobs)
    assert (claimed.job, claimed.attempt, claimed.failures, claimed.failing_since) == (work, 1, 0, None)


async def test_a_job_is_claimed_when_it_is_due_and_not_before(jobs: Queue) -> None:
    await jobs.add(job(), due=NOW + 5)
    assert await claim(jobs, at=NOW + 4.9) == []
    assert len(await claim(jobs, at=NOW + 5)) == 1


async def test_a_time_in_the_past_is_now(jobs: Queue) -> None:
    await jobs.add(job(), due=0.0)
    assert len(await claim(jobs)) == 1


async def test_what_is_due_longest_is_claimed_first_and_no_more_than_asked_for(jobs: Queue) -> None:
    for key, due in (("c", 3), ("a", 1), ("b", 2)):
        await jobs.add(job(key), due=NOW + due)
    first = await claim(jobs, at=NOW + 9, limit=2)
    assert [each.job.key for each in first] == ["a", "b"]
    assert [each.job.key for each in await claim(jobs, at=NOW + 9, limit=2)] == ["c"]


async def test_one_job_of_a_kind_and_key_waits_at_the_earlier_time_with_the_newer_arguments(jobs: Queue) -> None:
    await jobs.add(job(n="1"), due=NOW + 10)
    await jobs.add(job(n="2"), due=NOW + 5)
    await jobs.add(job(n="3"), due=NOW + 20)
    await jobs.add(job(kind="other"), due=NOW + 99)
    assert await jobs.figures() == JobFigures(waiting=2, running=0, dead=0)
    assert (await claim_one(jobs, at=NOW + 5)).job.arguments == {"n": "3"}


async def test_a_postponed_job_waits_for_the_later_time(jobs: Queue) -> None:
    for due in (30, 60, 45):
        await jobs.add(job(), due=NOW + due, postpone=True)
    assert await claim(jobs, at=NOW + 59) == []
    assert len(await claim(jobs, at=NOW + 60)) == 1


async def test_a_job_is_not_postponed_beyond_its_bound(jobs: Queue) -> None:
    for due in range(30, 3000, 30):
        await jobs.add(job(), due=NOW + due, postpone=True, longest_s=100)
    assert await claim(jobs, at=NOW + 129) == []
    assert len(await claim(jobs, at=NOW + 130)) == 1


async def test_after_a_postponed_job_ran_the_bound_counts_anew(jobs: Queue) -> None:
    await jobs.add(job(), due=NOW, postpone=True, longest_s=10)
    await jobs.done(await claim_one(jobs))
    await jobs.add(job(), due=NOW + 100, postpone=True, longest_s=10)
    assert await claim(jobs, at=NOW + 99) == []


async def test_of_many_who_claim_at_once_each_job_goes_to_one(jobs: Queue) -> None:
    await asyncio.gather(*(jobs.add(job(str(n)), due=NOW) for n in range(30)))
    claimed = await asyncio.gather(*(claim(jobs, limit=2) for _ in range(40)))
    assert sorted(each.job.key for some in claimed for each in some) == sorted(map(str, range(30)))


async def test_jobs_that_are_asked_for_by_name_are_claimed_before_all_others(jobs: Queue) -> None:
    for n in range(5):
        await jobs.add(job(str(n)), due=NOW - 9)
    await jobs.add(job("late", group="g"), due=NOW)
    await jobs.add(job("later", group="g"), due=NOW)
    await jobs.add(job("late", kind="other"), due=NOW + 1)
    names = [("other", "late"), ("work", "none"), ("work", "late"), ("work", "later")]

    async def named(at: float, limit: int = 9) -> list[tuple[str, str, int]]:
        claimed = await jobs.claim(now=at, lease_s=LEASE_S, limit=limit, names=names)
        return [(each.job.kind, each.job.key, each.attempt) for each in claimed]

    assert await named(NOW) == [("work", "late", 1)]  # "later" is of its group
    assert await named(NOW + 1, limit=0) == []
    assert await named(NOW + 1, limit=1) == [("other", "late", 1)]
    assert await named(NOW + LEASE_S) == [("work", "late", 2)]
    assert len(await claim(jobs, at=NOW)) == 5


# --- one at a time ----------------------------------------------------------------------------------------------------


async def test_a_job_added_while_one_of_its_key_runs_waits_and_runs_after_it(jobs: Queue) -> None:
    await jobs.add(job(n="1"), due=NOW)
    running = await claim_one(jobs)
    await jobs.add(job(n="2"), due=NOW)
    assert await claim(jobs) == []
    assert await jobs.figures() == JobFigures(waiting=1, running=1, dead=0)
    await jobs.done(running)
    assert (await claim_one(jobs)).job.arguments == {"n": "2"}


async def test_jobs_of_one_group_run_one_after_another_and_hold_up_no_others(jobs: Queue) -> None:
    for n in range(3):
        await jobs.add(job(f"a{n}", group="a"), due=NOW + n)
    await jobs.add(job("b", group="b"), due=NOW + 5)
    await jobs.add(job("free"), due=NOW + 6)
    first = await claim(jobs, at=NOW + 9)
    assert [each.job.key for each in first] == ["a0", "b", "free"]
    for expected in ("a1", "a2"):
        await jobs.done(first[0])
        first = await claim(jobs, at=NOW + 9)
        assert [each.job.key for each in first] == [expected]


@pytest.mark.parametrize("change", ["postponed", "moved to another group"])
async def test_a_job_that_gives_up_its_place_in_a_group_leaves_it_to_the_next(jobs: Queue, change: str) -> None:
    for n in range(3):
        await jobs.add(job(f"a{n}", group="a"), due=NOW + n)
    (first,) = await claim(jobs, at=NOW + 9)
    await jobs.add(job("b", group="b"), due=NOW)
    await claim(jobs, at=NOW + 9)
    await jobs.done(first)
    if change == "postponed":
        await jobs.add(job("a1", group="a"), due=NOW + 50, postpone=True)
    else:
        await jobs.add(job("a1", group="b"), due=NOW + 1)
    assert [each.job.key for each in await claim(jobs, at=NOW + 9)] == ["a2"]


async def test_when_the_lease_of_a_job_ends_it_runs_before_others_of_its_group(jobs: Queue) -> None:
    await jobs.add(job("died", group="g"), due=NOW)
    await claim_one(jobs)
    await jobs.add(job("next", group="g"), due=NOW + 1)
    taken = await claim_one(jobs, at=NOW + LEASE_S + 1)
    assert (taken.job.key, taken.attempt) == ("died", 2)
    await jobs.done(taken)
    assert (await claim_one(jobs, at=NOW + LEASE_S + 1)).job.key == "next"


# --- leases -----------------------------------------------------------------------------------------------------------


async def test_a_job_whose_lease_ended_is_claimed_again_and_the_attempt_counts(jobs: Queue) -> None:
    await jobs.add(job(), due=NOW)
    assert (await claim_one(jobs)).attempt == 1
    assert await claim(jobs, at=NOW + LEASE_S - 0.1) == []
    assert (await claim_one(jobs, at=NOW + LEASE_S)).attempt == 2


async def test_a_renewed_lease_holds_on(jobs: Queue) -> None:
    await jobs.add(job(), due=NOW)
    held = await claim_one(jobs)
    assert await jobs.renew(held, now=NOW + 20, lease_s=LEASE_S)
    assert await claim(jobs, at=NOW + 49) == []
    assert (await claim_one(jobs, at=NOW + 50)).attempt == 2


async def test_who_lost_the_lease_can_neither_renew_nor_settle(jobs: Queue) -> None:
    await jobs.add(job(), due=NOW)
    lost = await claim_one(jobs)
    later = NOW + LEASE_S + 1
    held = await claim_one(jobs, at=later)
    assert not await jobs.renew(lost, now=later, lease_s=LEASE_S)
    await jobs.done(lost)
    await jobs.fail(lost, now=later, due=later, error="late", counts=True)
    await jobs.give_up(lost, now=later, error="late")
    await jobs.release(lost, now=later)
    assert await jobs.figures() == JobFigures(waiting=0, running=1, dead=0)
    assert await jobs.renew(held, now=later, lease_s=LEASE_S)
    await jobs.done(held)
    assert await jobs.figures() == JobFigures(waiting=0, running=0, dead=0)
    assert not await jobs.renew(held, now=later, lease_s=LEASE_S)


async def test_a_job_handed_back_is_due_at_once_as_if_it_had_not_been_tried(jobs: Queue) -> None:
    await jobs.add(job(n="1"), due=NOW)
    await jobs.release(await claim_one(jobs), now=NOW + 1)
    assert await claim(jobs) == []
    again = await claim_one(jobs, at=NOW + 1)
    assert (again.attempt, again.failures, again.job.arguments) == (1, 0, {"n": "1"})


async def test_a_job_handed_back_joins_the_one_that_waits(jobs: Queue) -> None:
    await jobs.add(job(n="1"), due=NOW)
    running = await claim_one(jobs)
    await jobs.add(job(n="2"), due=NOW + 50)
    await jobs.release(running, now=NOW + 1)
    assert await jobs.figures() == JobFigures(waiting=1, running=0, dead=0)
    assert (await claim_one(jobs, at=NOW + 1)).job.arguments == {"n": "2"}


# --- failures ---------------------------------------------------------------------------------------------------------


async def test_a_failed_job_waits_and_its_failures_are_counted(jobs: Queue) -> None:
    await jobs.add(job(), due=NOW)
    await jobs.fail(await claim_one(jobs), now=NOW, due=NOW + 10, error="broken", counts=True)
    assert await claim(jobs, at=NOW + 9) == []
    second = await claim_one(jobs, at=NOW + 10)
    assert (second.attempt, second.failures, second.failing_since) == (2, 1, NOW)
    await jobs.fail(second, now=NOW + 10, due=NOW + 20, error="asleep", counts=False)
    third = await claim_one(jobs, at=NOW + 20)
    assert (third.attempt, third.failures, third.failing_since) == (2, 2, NOW)


async def test_adding_again_never_hastens_a_job_that_waits_after_a_failure(jobs: Queue) -> None:
    await jobs.add(job(), due=NOW)
    await jobs.fail(await claim_one(jobs), now=NOW, due=NOW + 60, error="asleep", counts=False)
    await jobs.add(job(), due=NOW)
    await jobs.add(job(), due=NOW + 1, postpone=True)
    assert await claim(jobs, at=NOW + 59) == []
    assert len(await claim(jobs, at=NOW + 60)) == 1


async def test_a_failed_job_joins_the_one_that_waits_which_waits_as_long(jobs: Queue) -> None:
    await jobs.add(job(n="1"), due=NOW)
    running = await claim_one(jobs)
    await jobs.add(job(n="2"), due=NOW)
    await jobs.fail(running, now=NOW + 1, due=NOW + 30, error="broken", counts=True)
    assert await jobs.figures() == JobFigures(waiting=1, running=0, dead=0)
    assert await claim(jobs, at=NOW + 29) == []
    joined = await claim_one(jobs, at=NOW + 30)
    assert (joined.job.arguments, joined.attempt, joined.failures, joined.failing_since) == ({"n": "2"}, 2, 1, NOW + 1)


# --- the dead ---------------------------------------------------------------------------------------------------------


async def test_a_job_that_was_given_up_is_listed_and_not_run(jobs: Queue) -> None:
    work = job("k", group="g", session="s")
    await add_dead(jobs, work, error="invalid_request: no")
    (dead,) = await jobs.dead()
    assert (dead.job, dead.attempts, dead.error, dead.failed_at) == (work, 1, "invalid_request: no", NOW)
    assert await claim(jobs, at=NOW + 1e6) == []
    assert await jobs.figures() == JobFigures(waiting=0, running=0, dead=1)


async def test_the_dead_are_listed_newest_first_and_of_one_key_only_the_last(jobs: Queue) -> None:
    for n in range(3):
        await add_dead(jobs, job(str(n)), at=NOW + n)
    await add_dead(jobs, job("0"), at=NOW + 9, error="again")
    assert [(dead.job.key, dead.failed_at) for dead in await jobs.dead()] == [
        ("0", NOW + 9),
        ("2", NOW + 2),
        ("1", NOW + 1),
    ]
    assert [dead.job.key for dead in await jobs.dead(limit=1)] == ["0"]


async def test_a_dead_job_that_is_retried_runs_with_fresh_attempts(jobs: Queue) -> None:
    await add_dead(jobs, job(n="1"))
    (dead,) = await jobs.dead()
    assert await jobs.retry([dead.id, "nothing", "0", "-1", "9" * 30], now=NOW + 5) == 1
    assert list(await jobs.dead()) == []
    again = await claim_one(jobs, at=NOW + 5)
    assert (again.job, again.attempt, again.failures, again.failing_since) == (job(n="1"), 1, 0, None)
    assert await jobs.retry([dead.id], now=NOW) == 0


async def test_retrying_joins_a_job_that_waits(jobs: Queue) -> None:
    await add_dead(jobs, job(n="1"))
    await jobs.add(job(n="2"), due=NOW + 500)
    (dead,) = await jobs.dead()
    assert await jobs.retry([dead.id], now=NOW + 5) == 1
    assert await jobs.figures() == JobFigures(waiting=1, running=0, dead=0)
    assert (await claim_one(jobs, at=NOW + 5)).job.arguments == {"n": "2"}


async def test_a_discarded_job_is_gone(jobs: Queue) -> None:
    await add_dead(jobs, job("gone"))
    await add_dead(jobs, job("left"), at=NOW + 1)
    left, gone = await jobs.dead()
    assert await jobs.discard([gone.id, "nothing"]) == 1
    assert await jobs.discard([gone.id]) == 0
    assert await jobs.retry([gone.id], now=NOW) == 0
    assert [dead.id for dead in await jobs.dead()] == [left.id]


async def test_only_dead_jobs_can_be_retried_or_discarded(jobs: Queue) -> None:
    await jobs.add(job(), due=NOW)
    running = await claim_one(jobs)
    assert await jobs.discard([running.id]) == 0
    assert await jobs.retry([running.id], now=NOW) == 0
    assert (await jobs.figures()).running == 1


async def test_a_job_that_succeeds_takes_the_dead_one_of_its_key_away(jobs: Queue) -> None:
    await add_dead(jobs, job())
    await add_dead(jobs, job("other"))
    await jobs.add(job(), due=NOW)
    await jobs.done(await claim_one(jobs))
    assert [dead.job.key for dead in await jobs.dead()] == ["other"]


async def test_who_asks_for_it_does_not_add_what_was_given_up_lately(jobs: Queue) -> None:
    await add_dead(jobs, job())
    await jobs.add(job(), due=NOW, unless_dead_since=NOW)
    assert (await jobs.figures()).waiting == 0
    await jobs.add(job(), due=NOW, unless_dead_since=NOW + 1)
    assert (await jobs.figures()).waiting == 1


# --- whether it gets done ---------------------------------------------------------------------------------------------


async def test_workers_are_counted_while_they_give_signs_of_life_and_until_they_leave(jobs: Queue) -> None:
    assert (await jobs.pulse(now=NOW)).workers == 0
    for name in ("a", "b", "b", "c: {odd}\n"):
        await jobs.beat(name, now=NOW)
    assert (await jobs.pulse(now=NOW)).workers == 3
    await jobs.gone("b")
    await jobs.gone("nobody")
    await jobs.beat("a", now=NOW + SEEN_WITHIN_S)
    assert (await jobs.pulse(now=NOW + SEEN_WITHIN_S)).workers == 2
    assert (await jobs.pulse(now=NOW + SEEN_WITHIN_S + 1)).workers == 1
    await jobs.beat("d", now=NOW + 2 * SEEN_WITHIN_S + 1)
    assert (await jobs.pulse(now=NOW + 2 * SEEN_WITHIN_S + 1)).workers == 1


async def test_the_pulse_tells_since_when_a_job_that_could_run_has_waited(jobs: Queue) -> None:
    assert (await jobs.pulse(now=NOW)).oldest_due is None
    await jobs.add(job("a", group="g"), due=NOW)
    await claim_one(jobs)
    await jobs.add(job("a"), due=NOW + 1)  # runs after the one of its key
    await jobs.add(job("b", group="g"), due=NOW + 2)  # runs after the one of its group
    assert (await jobs.pulse(now=NOW + 9)).oldest_due is None
    for key, due in (("c", 4), ("d", 3), ("later", 20)):
        await jobs.add(job(key), due=NOW + due)
    assert (await jobs.pulse(now=NOW + 9)).oldest_due == NOW + 3
    assert (await jobs.pulse(now=NOW + 2)).oldest_due is None


# --- waiting for work -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["add", "done", "release"])
async def test_whoever_waits_hears_of_work_that_may_have_come(jobs: Queue, what: str) -> None:
    await jobs.add(job(group="g"), due=NOW)
    held = await claim_one(jobs)
    changes: dict[str, Any] = {
        "add": lambda: jobs.add(job("new"), due=NOW),
        "done": lambda: jobs.done(held),
        "release": lambda: jobs.release(held, now=NOW),
    }
    await jobs.arrival(now=NOW, within_s=0.01)  # what was rung before
    waiting = asyncio.ensure_future(jobs.arrival(now=NOW, within_s=3600))
    await asyncio.sleep(0)
    await changes[what]()
    async with asyncio.timeout(30):
        await waiting


async def test_whoever_waits_looks_again_when_a_job_becomes_due(jobs: Queue) -> None:
    await jobs.add(job(), due=NOW + 0.05)
    await jobs.arrival(now=NOW, within_s=0.01)
    async with asyncio.timeout(30):
        await jobs.arrival(now=NOW, within_s=3600)


async def test_the_arguments_of_a_job_are_not_shared_with_its_maker(jobs: Queue) -> None:
    arguments = {"n": "1"}
    work = replace(job(), arguments=arguments)
    await jobs.add(work, due=NOW)
    arguments["n"] = "2"
    assert (await claim_one(jobs)).job.arguments == {"n": "1"}
