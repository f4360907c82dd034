"""What becomes of a job after an attempt."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum

from agent_memory_server.domain.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    MemoryServerError,
    NotFound,
    RateLimited,
    RequestRefused,
    StartRefused,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from agent_memory_server.interfaces.worker.options import WorkerOptions
from agent_memory_server.ports.jobs import Claim


class TooLong(Exception):
    """An attempt took longer than it may."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"an attempt took longer than {limit_s:g} s")


class Verdict(Enum):
    """DONE: nothing is left to do. OUTAGE: later, the job is not at fault. FAILED: again, a few times. HOPELESS: no
    further attempt can succeed."""

    DONE = "done"
    OUTAGE = "outage"
    FAILED = "failed"
    HOPELESS = "hopeless"


VERDICTS: dict[type[BaseException], Verdict] = {
    InvalidRequest: Verdict.HOPELESS,
    RequestRefused: Verdict.HOPELESS,
    TooLarge: Verdict.HOPELESS,
    Unauthenticated: Verdict.HOPELESS,
    Forbidden: Verdict.HOPELESS,
    NotFound: Verdict.DONE,
    Conflict: Verdict.OUTAGE,
    RateLimited: Verdict.OUTAGE,
    Unavailable: Verdict.OUTAGE,
    StartRefused: Verdict.FAILED,
    MemoryServerError: Verdict.FAILED,
    Exception: Verdict.FAILED,
}
"""By error class; a class that is not named has the verdict of the nearest one above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """verdict; due: when to try again, None to give up; counts: whether the attempt counts; error: the reason, for
    operators, without memory text."""

    verdict: Verdict
    error: str = ""
    due: float | None = None
    counts: bool = True


def outcome_of(claim: Claim, exc: Exception, options: WorkerOptions, *, now: float) -> Outcome:
    """What becomes of a job whose attempt ended with this error."""
    verdict = next(VERDICTS[cls] for cls in type(exc).__mro__ if cls in VERDICTS)
    error = reason_of(exc)
    if verdict in (Verdict.DONE, Verdict.HOPELESS):
        return Outcome(verdict=verdict, error=error)
    failing_since = now if claim.failing_since is None else claim.failing_since
    outage = verdict is Verdict.OUTAGE
    if (now - failing_since >= options.outage_s) if outage else (claim.attempt >= options.attempts):
        return Outcome(verdict=verdict, error=error)
    return Outcome(verdict=verdict, error=error, due=now + pause_s(claim.failures, options), counts=not outage)


def pause_s(failures: int, options: WorkerOptions) -> float:
    """Seconds before the next attempt, after that many failures before this one."""
    longest = min(options.backoff_s * 2.0 ** min(failures, 32), options.longest_backoff_s)
    return longest * (1 - random.random() / 2)  # noqa: S311 - spreads retries, guards nothing


def reason_of(exc: Exception) -> str:
    """A sentence for operators. Of an unforeseen error only the class: its message may quote memory text."""
    if isinstance(exc, MemoryServerError):
        return f"{exc.code}: {exc}"
    if isinstance(exc, TooLong):
        return str(exc)
    return f"{type(exc).__name__} (see the log of the worker)"
