"""The queue of background work in the data folder: a lease queue that several processes share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import apsw

from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.sql import fetch, fetch_row, queries
from agent_memory_server.ports.jobs import SEEN_WITHIN_S, Claim, DeadJob, Job, JobFigures, Pulse

T = TypeVar("T")
_SQL = queries("jobs")
_WAITING, _RUNNING, _DEAD = range(3)
_NEVER_S = 1e12
"""A bound that bounds nothing."""


def _job(kind: str, key: str, arguments: str, group: str) -> Job:
    return Job(kind=kind, key=key, arguments=json.loads(arguments), group=group)


def _claim(row: tuple[Any, ...]) -> Claim:
    id_, lease, kind, key, arguments, group, attempts, failures, failing_since = row
    return Claim(
        id=str(id_),
        lease=str(lease),
        job=_job(kind, key, arguments, group),
        attempt=attempts,
        failures=failures,
        failing_since=failing_since,
    )


def _number(id_: str) -> int:
    # What is no row id names no row; row ids begin with 1.
    return int(id_) if id_.isascii() and id_.isdigit() and len(id_) < 19 else 0


def figures_of(connection: apsw.Connection) -> JobFigures:
    """How many jobs there are."""
    counted: dict[int, int] = dict(fetch(connection, _SQL["figures"]))
    waiting, running, dead = (counted.get(state, 0) for state in (_WAITING, _RUNNING, _DEAD))
    return JobFigures(waiting=waiting, running=running, dead=dead)


def pulse_of(connection: apsw.Connection, now: float) -> Pulse:
    """Whether there are workers, and whether they keep up."""
    (oldest,) = fetch(connection, _SQL["oldest"], (now,))[0]
    (workers,) = fetch(connection, _SQL["workers"], (now - SEEN_WITHIN_S,))[0]
    return Pulse(workers=workers, oldest_due=oldest)


class SqliteJobs:
    """`Jobs` and `Claims` over one table. A process sees its own jobs at once, those of others within a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = asyncio.Event()

    async def add(
        self,
        job: Job,
        *,
        due: float,
        postpone: bool = False,
        longest_s: float | None = None,
        unless_dead_since: float | None = None,
    ) -> None:
        """Queue a job; see the port."""
        arguments = json.dumps(dict(job.arguments), sort_keys=True)

        def work(connection: apsw.Connection) -> None:
            if unless_dead_since is not None and fetch(
                connection, _SQL["dead_since"], (job.kind, job.key, unless_dead_since)
            ):
                return
            values = (job.kind, job.key, arguments, job.group, due)
            if postpone:
                connection.execute(_SQL["postpone"], (*values, _NEVER_S if longest_s is None else longest_s))
            else:
                connection.execute(_SQL["add"], values)

        await self._change(work)

    async def figures(self) -> JobFigures:
        """How many jobs there are."""
        return await self._database.read(figures_of)

    async def pulse(self, *, now: float) -> Pulse:
        """Whether there are workers, and whether they keep up."""
        return await self._database.read(lambda connection: pulse_of(connection, now))

    async def dead(self, *, limit: int = 100) -> Sequence[DeadJob]:
        """Jobs that were given up, newest first."""
        rows = await self._database.read(lambda connection: fetch(connection, _SQL["dead"], (limit,)))
        return [
            DeadJob(id=str(id_), job=_job(*job), attempts=attempts, error=error, failed_at=failed_at)
            for id_, *job, attempts, error, failed_at in rows
        ]

    async def retry(self, ids: Sequence[str], *, now: float) -> int:
        """Queue dead jobs again with fresh attempts; how many there were."""

        def work(connection: apsw.Connection) -> int:
            found = 0
            for id_ in map(_number, ids):
                row = fetch_row(connection, _SQL["find_dead"], (id_,))
                if row is None:
                    continue
                found += 1
                waiting = fetch_row(connection, _SQL["find"], (*row, _WAITING))
                if waiting is None:
                    connection.execute(_SQL["revive"], (id_, now))
                else:
                    connection.execute(_SQL["hasten"], (waiting[0], now))
                    connection.execute(_SQL["drop"], (id_,))
            return found

        return await self._change(work)

    async def discard(self, ids: Sequence[str]) -> int:
        """Forget dead jobs; how many there were."""

        def work(connection: apsw.Connection) -> int:
            found = 0
            for id_ in map(_number, ids):
                connection.execute(_SQL["drop_dead"], (id_,))
                found += connection.changes()
            return found

        return await self._database.write(work)

    # --- the worker's side --------------------------------------------------------------------------------------------

    async def claim(
        self, *, now: float, lease_s: float, limit: int = 1, names: Sequence[tuple[str, str]] = ()
    ) -> Sequence[Claim]:
        """Take due jobs; looks first without writing, so that an idle queue costs no commit."""
        next_due = await self._next_due()
        if next_due is None or next_due > now:
            return ()

        def work(connection: apsw.Connection) -> list[Claim]:
            claimed: list[Claim] = []
            for id_ in islice(_due(connection, now, names), limit):
                claimed += map(_claim, fetch(connection, _SQL["claim"], (id_, now + lease_s)))
            return claimed

        return await self._database.write(work)

    async def renew(self, claim: Claim, *, now: float, lease_s: float) -> bool:
        """Make the lease end `lease_s` from now; False: it was lost."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(_SQL["renew"], (int(claim.id), int(claim.lease), now + lease_s))
            return connection.changes() > 0

        return await self._database.write(work)

    async def done(self, claim: Claim) -> None:
        """Forget the job, and an earlier dead one of its kind and key."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(_SQL["drop"], (int(claim.id),))
            connection.execute(_SQL["drop_dead_of"], (claim.job.kind, claim.job.key))

        await self._settle(claim, work)

    async def fail(self, claim: Claim, *, now: float, due: float, error: str, counts: bool) -> None:
        """Wait until `due`; a job of its kind and key that waits already takes over."""
        taken_back = 0 if counts else 1

        def work(connection: apsw.Connection) -> None:
            waiting = _waiting(connection, claim)
            if waiting is None:
                connection.execute(_SQL["wait"], (int(claim.id), due, taken_back, now, error))
                return
            since = now if claim.failing_since is None else claim.failing_since
            attempts = claim.attempt - taken_back
            connection.execute(_SQL["inherit"], (waiting, due, attempts, claim.failures + 1, since, error))
            connection.execute(_SQL["drop"], (int(claim.id),))

        await self._settle(claim, work)

    async def give_up(self, claim: Claim, *, now: float, error: str) -> None:
        """Put the job among the dead, in place of an earlier one of its kind and key."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(_SQL["drop_dead_of"], (claim.job.kind, claim.job.key))
            connection.execute(_SQL["give_up"], (int(claim.id), now, error))

        await self._settle(claim, work)

    async def release(self, claim: Claim, *, now: float) -> None:
        """Hand the job back, due now, without counting the attempt."""

        def work(connection: apsw.Connection) -> None:
            waiting = _waiting(connection, claim)
            if waiting is None:
                connection.execute(_SQL["release"], (int(claim.id), now))
                return
            inherited = (claim.attempt - 1, claim.failures, claim.failing_since)
            connection.execute(_SQL["release_into"], (waiting, now, *inherited))
            connection.execute(_SQL["drop"], (int(claim.id),))

        await self._settle(claim, work)

    async def beat(self, worker: str, *, now: float) -> None:
        """Say that a worker is there; those that ended without a word are forgotten."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(_SQL["beat"], (worker, now))
            connection.execute(_SQL["forget_workers"], (now - SEEN_WITHIN_S,))

        await self._database.write(work)

    async def gone(self, worker: str) -> None:
        """Say that it is there no more."""
        await self._database.write(lambda connection: connection.execute(_SQL["gone"], (worker,)))

    async def arrival(self, *, now: float, within_s: float) -> None:
        """Wait for a change made in this process, for the next due time, or for `within_s`."""
        next_due = await self._next_due()
        if next_due is not None and next_due > now:
            within_s = min(within_s, next_due - now)
        try:
            async with asyncio.timeout(within_s):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    # ------------------------------------------------------------------------------------------------------------------

    async def _next_due(self) -> float | None:
        rows = await self._database.read(lambda connection: fetch(connection, _SQL["next_due"]))
        due: float | None = rows[0][0]
        return due

    async def _settle(self, claim: Claim, work: Callable[[apsw.Connection], None]) -> None:
        def settle(connection: apsw.Connection) -> None:
            if fetch(connection, _SQL["held"], (int(claim.id), int(claim.lease))):
                work(connection)

        await self._change(settle)

    async def _change(self, work: Callable[[apsw.Connection], T]) -> T:
        result = await self._database.write(work)
        self._changed.set()  # due jobs, or jobs of a group that is free now
        return result


def _due(connection: apsw.Connection, now: float, names: Sequence[tuple[str, str]]) -> Iterator[int]:
    """Ids of jobs to claim, each looked for when the one before is claimed."""
    if names:
        for name in names:
            if (named := fetch_row(connection, _SQL["next_named"], (now, *name))) is not None:
                yield named[0]
    else:
        while (row := fetch_row(connection, _SQL["next"], (now,))) is not None:
            yield row[0]


def _waiting(connection: apsw.Connection, claim: Claim) -> int | None:
    row = fetch_row(connection, _SQL["find"], (claim.job.kind, claim.job.key, _WAITING))
    return None if row is None else int(row[0])
