"""The queue of background work in Redis: a lease queue that the processes of a fleet share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command, script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.ports.clock import Clock
from agent_memory_server.ports.jobs import SEEN_WITHIN_S, Claim, DeadJob, Job, JobFigures, Pulse

_IDS_AT_ONCE = 1000
LONGEST_WAIT_S = 5.0
"""Less than any client waits for the answer to a command."""


def _optional(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def _job(kind: bytes, key: bytes, arguments: bytes, group: bytes) -> Job:
    return Job(kind=kind.decode(), key=key.decode(), arguments=json.loads(arguments), group=group.decode())


def _claim(reply: Sequence[Any]) -> Claim:
    id_, kind, key, arguments, group, attempts, lease, failures, failing_since = reply
    return Claim(
        id=id_.decode(),
        lease=str(lease),
        job=_job(kind, key, arguments, group),
        attempt=attempts,
        failures=failures,
        failing_since=float(failing_since) if failing_since else None,
    )


class RedisJobs:
    """`Jobs` and `Claims` over the keys of one queue, all in one slot; each call is one server-side step.

    name:  of the queue; without braces.
    clock: whose times it is given. With it they are moved to the clock of Redis, so that machines whose clocks differ
           agree on what is due; without it they are taken as they are.
    longest_wait_s: in one `arrival`; below the time that the client waits for an answer.
    """

    def __init__(
        self, client: Redis, name: str, *, clock: Clock | None = None, longest_wait_s: float = LONGEST_WAIT_S
    ) -> None:
        self._client = client
        self._clock = clock
        self._longest_wait_s = longest_wait_s
        self._keys = keys.queue(name)
        self._script = script(client, "jobs")

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
        bounds = (int(postpone), _optional(longest_s), _optional(unless_dead_since))
        await self._do("add", job.kind, job.key, arguments, job.group, _optional(due), *bounds)

    async def figures(self) -> JobFigures:
        """How many jobs there are."""
        waiting, running, dead = await self._do("figures")
        return JobFigures(waiting=waiting, running=running, dead=dead)

    async def pulse(self, *, now: float) -> Pulse:
        """Whether there are workers, and whether they keep up."""
        workers, oldest = await self._do("pulse", _optional(now), SEEN_WITHIN_S)
        return Pulse(workers=workers, oldest_due=float(oldest) if oldest else None)

    async def dead(self, *, limit: int = 100) -> Sequence[DeadJob]:
        """Jobs that were given up, newest first."""
        return [
            DeadJob(
                id=id_.decode(),
                job=_job(*job),
                attempts=attempts,
                error=error.decode(),
                failed_at=float(failed_at),
            )
            for id_, *job, attempts, error, failed_at in await self._do("dead", limit)
        ]

    async def retry(self, ids: Sequence[str], *, now: float) -> int:
        """Queue dead jobs again with fresh attempts; how many there were."""
        found = 0
        for start in range(0, len(ids), _IDS_AT_ONCE):
            found += await self._do("retry", _optional(now), *ids[start : start + _IDS_AT_ONCE])
        return found

    async def discard(self, ids: Sequence[str]) -> int:
        """Forget dead jobs; how many there were."""
        found = 0
        for start in range(0, len(ids), _IDS_AT_ONCE):
            found += await self._do("discard", *ids[start : start + _IDS_AT_ONCE])
        return found

    # --- the worker's side --------------------------------------------------------------------------------------------

    async def claim(
        self, *, now: float, lease_s: float, limit: int = 1, names: Sequence[tuple[str, str]] = ()
    ) -> Sequence[Claim]:
        """Take due jobs."""
        verb, wanted = ("claim_named" if names else "claim"), [word for name in names for word in name]
        return [_claim(reply) for reply in await self._do(verb, _optional(now), lease_s, limit, *wanted)]

    async def renew(self, claim: Claim, *, now: float, lease_s: float) -> bool:
        """Make the lease end `lease_s` from now; False: it was lost."""
        return bool(await self._do("renew", claim.id, claim.lease, _optional(now), lease_s))

    async def done(self, claim: Claim) -> None:
        """Forget the job, and an earlier dead one of its kind and key."""
        await self._do("done", claim.id, claim.lease)

    async def fail(self, claim: Claim, *, now: float, due: float, error: str, counts: bool) -> None:
        """Wait until `due`; a job of its kind and key that waits already takes over."""
        await self._do("fail", claim.id, claim.lease, _optional(now), _optional(due), error, int(counts))

    async def give_up(self, claim: Claim, *, now: float, error: str) -> None:
        """Put the job among the dead, in place of an earlier one of its kind and key."""
        await self._do("give_up", claim.id, claim.lease, _optional(now), error)

    async def release(self, claim: Claim, *, now: float) -> None:
        """Hand the job back, due now, without counting the attempt."""
        await self._do("release", claim.id, claim.lease, _optional(now))

    async def beat(self, worker: str, *, now: float) -> None:
        """Say that a worker is there; those that ended without a word are forgotten."""
        await self._do("beat", worker, _optional(now), SEEN_WITHIN_S)

    async def gone(self, worker: str) -> None:
        """Say that it is there no more."""
        await self._do("gone", worker)

    async def arrival(self, *, now: float, within_s: float) -> None:
        """Wait for the queue's bell, for the next due time, or for `within_s`; for the longest wait at most.

        The bell wakes one of those who wait, in whatever process.
        """
        next_due = await self._do("next_due")
        wait_s = min(within_s, self._longest_wait_s)
        if next_due and float(next_due) > now:
            wait_s = min(wait_s, float(next_due) - now)
        await command(self._client, "BLPOP", self._keys[-1], max(wait_s, 0.001))  # zero would be for ever

    # ------------------------------------------------------------------------------------------------------------------

    async def _do(self, verb: str, *words: str | float) -> Any:
        present = _optional(self._clock() if self._clock else None)
        with translating():
            return await self._script(keys=self._keys, args=[verb, present, *words])
