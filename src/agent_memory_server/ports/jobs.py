"""Background work: a queue that is a hint, never the truth.

`Jobs` is what operations and operators are given; `Claims` is the worker's side of the same queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work.

    kind:      which handler runs it.
    key:       names the work within its kind; at most one job of a kind and key is waiting.
    arguments: strings, and of them only what names the work (ids): a handler reads the state it works on.
    group:     jobs of one group never run at the same time; "" is no group.
    """

    kind: str
    key: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadJob:
    """A job that was given up. id: names it for `retry` and `discard`; error: the last reason, without memory text;
    failed_at: Unix seconds."""

    id: str
    job: Job
    attempts: int
    error: str
    failed_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFigures:
    """How many jobs wait (due or not), run, and were given up."""

    waiting: int
    running: int
    dead: int


SEEN_WITHIN_S = 90.0
"""A worker that gave no sign for so long is not counted any more; each gives one three times as often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """Whether background work gets done.

    workers:    processes that take jobs, seen within SEEN_WITHIN_S.
    oldest_due: when the job became due that could run and has waited longest for a worker, Unix seconds; None: none
                waits.
    """

    workers: int
    oldest_due: float | None


class Jobs(Protocol):
    """A queue with at-least-once delivery: handlers are idempotent. Emptying it loses no work, as what is owed is
    found in the stored state by the sweep."""

    async def add(
        self,
        job: Job,
        *,
        due: float,
        postpone: bool = False,
        longest_s: float | None = None,
        unless_dead_since: float | None = None,
    ) -> None:
        """Queue a job for the time `due` (Unix seconds; the past is now).

        Where one of its kind and key waits already there stays one, with the new arguments, due at the earlier of both
        times; with `postpone` at the later one (a trailing-edge debounce), but never later than `longest_s` after the
        time that was asked for first. One that waits after a failure is never made due earlier. Where one is running
        the new one waits and runs after it.
        unless_dead_since: do nothing when a job of this kind and key was given up at that time or later.
        Raises: Unavailable.
        """
        ...

    async def figures(self) -> JobFigures:
        """How many jobs there are. Raises: Unavailable."""
        ...

    async def pulse(self, *, now: float) -> Pulse:
        """Whether there are workers, and whether they keep up. Raises: Unavailable."""
        ...

    async def dead(self, *, limit: int = 100) -> Sequence[DeadJob]:
        """Jobs that were given up after their attempts, newest first; of one kind and key only the last.

        Raises: Unavailable.
        """
        ...

    async def retry(self, ids: Sequence[str], *, now: float) -> int:
        """Queue dead jobs again with fresh attempts; how many there were. Raises: Unavailable."""
        ...

    async def discard(self, ids: Sequence[str]) -> int:
        """Forget dead jobs; how many there were. Raises: Unavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job that one worker runs until its lease ends.

    id, lease:     name the claim; another claim of the same job has another lease.
    attempt:       1 at first; a claim that ended without being settled (its worker died) counts.
    failures:      failures in a row, outages included; failing_since: the first of them, Unix seconds, None for none.
    """

    id: str
    lease: str
    job: Job
    attempt: int
    failures: int = 0
    failing_since: float | None = None


class Claims(Protocol):
    """The worker's side of the queue. Each call is atomic. Settling a claim whose lease was lost does nothing."""

    async def claim(
        self, *, now: float, lease_s: float, limit: int = 1, names: Sequence[tuple[str, str]] = ()
    ) -> Sequence[Claim]:
        """Take up to `limit` due jobs, the longest due first, each for `lease_s` seconds.

        names: kinds and keys of the only jobs that are wanted, in the order in which they are; () wants every one.

        A job whose lease ended is due again, before any other of its group. Never taken: a job whose kind and key, or
        whose group, is running.
        Raises: Unavailable.
        """
        ...

    async def renew(self, claim: Claim, *, now: float, lease_s: float) -> bool:
        """Make the lease end `lease_s` from now; False: it was lost, the job is another's. Raises: Unavailable."""
        ...

    async def done(self, claim: Claim) -> None:
        """The work is done: forget the job, and an earlier dead one of its kind and key. Raises: Unavailable."""
        ...

    async def fail(self, claim: Claim, *, now: float, due: float, error: str, counts: bool) -> None:
        """The attempt failed: wait until `due`. counts: False takes the attempt back (an outage is not the job's
        fault). Where a job of its kind and key waits already, that one takes over the failures and waits as long.
        Raises: Unavailable.
        """
        ...

    async def give_up(self, claim: Claim, *, now: float, error: str) -> None:
        """Put the job among the dead. Raises: Unavailable."""
        ...

    async def release(self, claim: Claim, *, now: float) -> None:
        """Hand the job back unfinished, due now, without counting the attempt. Raises: Unavailable."""
        ...

    async def beat(self, worker: str, *, now: float) -> None:
        """Say that a worker of this name is there. Raises: Unavailable."""
        ...

    async def gone(self, worker: str) -> None:
        """Say that it is there no more. Raises: Unavailable."""
        ...

    async def arrival(self, *, now: float, within_s: float) -> None:
        """Return when a job may be there to claim, or after `within_s` seconds. Raises: Unavailable."""
        ...
