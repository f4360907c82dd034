"""Periodic work, once in the whole fleet: each entry of `PERIODIC` is a job that queues its next run before it runs.

Every worker sees to it that a next run is queued (`ensure`); as one of a kind and key waits at most, however many
workers there are, it runs once in its interval.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from agent_memory_server.operations.application import Application
from agent_memory_server.operations.consolidate import consolidate
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.soon import CONSOLIDATE, periodic_job
from agent_memory_server.operations.upkeep import forget_by_policy, purge_expired
from agent_memory_server.operations.views import refresh_views

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    """kind: of its job; every_s: seconds between two runs by the options, None where it is off; asks: whether it may
    ask a chat model."""

    kind: str
    asks: bool
    run: Callable[[Application], Awaitable[object]]
    every_s: Callable[[Options], float | None]


PERIODIC: tuple[Periodic, ...] = (
    Periodic(kind="purge_expired", asks=False, run=purge_expired, every_s=lambda _: _MINUTE_S),
    Periodic(
        kind=CONSOLIDATE,
        asks=True,
        run=partial(consolidate, resting=True),
        every_s=lambda options: options.consolidate_every_s if options.consolidate else None,
    ),
    Periodic(
        kind="forget_by_policy",
        asks=False,
        run=forget_by_policy,
        every_s=lambda options: None if options.forgetting is None else options.forgetting_every_s,
    ),
    Periodic(kind="refresh_views", asks=True, run=refresh_views, every_s=lambda options: options.view_refresh_s),
)


async def ensure(app: Application, entries: tuple[Periodic, ...] = PERIODIC) -> None:
    """Queue the next run of what has none."""
    for entry in entries:
        await _queue_next(app, entry)


async def queue_now(app: Application, entry: Periodic) -> None:
    """Queue a run that is due now, also of what is off; the ones after it keep their interval."""
    await app.jobs.add(periodic_job(entry.kind), due=app.clock())


def run_periodic(entry: Periodic) -> Callable[[Application, Mapping[str, str]], Awaitable[object]]:
    """The handler of a periodic job."""

    async def handler(app: Application, arguments: Mapping[str, str]) -> None:  # noqa: ARG001 - a handler is given them
        await _queue_next(app, entry)
        await entry.run(app)

    return handler


async def _queue_next(app: Application, entry: Periodic) -> None:
    every_s = entry.every_s(app.options)
    if every_s is not None:
        await app.jobs.add(periodic_job(entry.kind), due=app.clock() + every_s)
