"""Background work: a queue that is a hint, never the truth."""

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


class Jobs(Protocol):
    """A queue with at-least-once delivery: handlers are idempotent. Emptying it loses no work, as what is owed is
    found in the stored state by the sweep."""

    async def add(self, job: Job, *, due: float, postpone: bool = False) -> None:
        """Queue a job for the time `due` (Unix seconds; the past is now).

        Where one of its kind and key waits already there stays one, due at the earlier of both times; with `postpone`
        at the later one (a trailing-edge debounce). Where one is running the new one waits and runs after it.
        Raises: Unavailable.
        """
        ...

    async def figures(self) -> JobFigures:
        """How many jobs there are. Raises: Unavailable."""
        ...

    async def dead(self, *, limit: int = 100) -> Sequence[DeadJob]:
        """Jobs that were given up after their attempts, newest first. Raises: Unavailable."""
        ...

    async def retry(self, ids: Sequence[str], *, now: float) -> int:
        """Queue dead jobs again with fresh attempts; how many there were. Raises: Unavailable."""
        ...

    async def discard(self, ids: Sequence[str]) -> int:
        """Forget dead jobs; how many there were. Raises: Unavailable."""
        ...
