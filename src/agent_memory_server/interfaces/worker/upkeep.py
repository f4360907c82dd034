"""The upkeep loop of a process: embeds what is owed, queues what its writes owe besides, and writes the accesses that
its searches noted.

Everything it does is found in the stored state, so a loop that dies loses nothing and several may run at once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from agent_memory_server.domain.errors import MemoryServerError, Unavailable
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.soon import queue_soon
from agent_memory_server.operations.upkeep import EMBED_AT_ONCE, embed_owed, queue_embedding, write_accesses

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between the steps.

    gather_s:  how long a write that rings is waited upon by others, so that they share one batch and one commit;
               until then its record is found by words.
    owed_s:    how often to look for owed embeddings when nobody rings (another process may have left some).
    stored_s:  how long a write of records is waited upon by others before jobs are queued for what they owe.
    access_s:  how often accesses are written.
    backoff_s: pause after the first failure; it doubles up to longest_backoff_s, each time shortened by up to a
               half at random, so that processes do not retry in step.
    last_write_s: how long the accesses may take that are written when the loop ends.
    """

    gather_s: float = 0.1
    owed_s: float = 30.0
    stored_s: float = 1.0
    access_s: float = 1.0
    backoff_s: float = 0.5
    longest_backoff_s: float = 60.0
    last_write_s: float = 2.0


async def run_upkeep(app: Application, *, pace: Pace | None = None, embedding: bool = True) -> None:
    """Run until cancelled; then write the accesses that are still noted. A failing step is tried again, later.

    embedding: False queues the job that embeds instead; what is not queued then, the sweep finds.
    """
    chosen = pace or Pace()
    try:
        async with asyncio.TaskGroup() as steps:
            steps.create_task(_embed(app, chosen) if embedding else _hand_over(app, chosen), name="upkeep.embed")
            steps.create_task(_queue(app, chosen), name="upkeep.queue")
            steps.create_task(_periodically("access", lambda: write_accesses(app), chosen.access_s, chosen))
    finally:
        await _flush(app, chosen)


async def _embed(app: Application, pace: Pace) -> None:
    """Embed owed records batch by batch; then wait until a write rings, or look again after a while."""
    failures = 0
    while True:
        # Cleared before looking: a write that rings while this looks is seen in the next round.
        app.owed.clear()
        try:
            while await embed_owed(app, app.postponed) == EMBED_AT_ONCE:
                failures = 0
            failures = 0
        except MemoryServerError as exc:
            failures += 1
            await _back_off("embed", exc, failures, pace)
            continue
        try:
            async with asyncio.timeout(pace.owed_s):
                await app.owed.wait()
            await asyncio.sleep(pace.gather_s)
        except TimeoutError:
            log.debug("upkeep.looking_for_owed")


async def _hand_over(app: Application, pace: Pace) -> None:
    """Queue the job that embeds whenever a write rings."""
    failures = 0
    while True:
        await app.owed.wait()
        app.owed.clear()
        try:
            await queue_embedding(app, after_s=pace.gather_s)
            failures = 0
        except MemoryServerError as exc:
            failures += 1
            app.owed.set()
            await _back_off("queue_embedding", exc, failures, pace)


async def _queue(app: Application, pace: Pace) -> None:
    """Whenever records were stored, queue what they owe; the sweep makes up for what fails."""
    while True:
        await app.stored.wait()
        await asyncio.sleep(pace.stored_s)
        app.stored.clear()
        try:
            await queue_soon(app)
        except MemoryServerError as exc:
            log.warning("upkeep.not_queued", code=exc.code, reason=str(exc))


async def _periodically(name: str, step: Callable[[], Awaitable[object]], every_s: float, pace: Pace) -> None:
    failures = 0
    while True:
        await asyncio.sleep(every_s)
        try:
            await step()
            failures = 0
        except MemoryServerError as exc:
            failures += 1
            await _back_off(name, exc, failures, pace)


async def _back_off(name: str, exc: MemoryServerError, failures: int, pace: Pace) -> None:
    longest = min(pace.backoff_s * 2 ** min(failures - 1, 32), pace.longest_backoff_s)
    pause_s = longest * (1 - random.random() / 2)  # noqa: S311 - spreads retries, guards nothing
    write = log.warning if isinstance(exc, Unavailable) else log.error
    write("upkeep.failed", step=name, code=exc.code, reason=str(exc), failures=failures, retry_in_s=round(pause_s, 2))
    await asyncio.sleep(pause_s)


async def _flush(app: Application, pace: Pace) -> None:
    # Reached by cancellation, which asyncio delivers once: what is awaited from here on runs, within its bound.
    try:
        async with asyncio.timeout(pace.last_write_s):
            await write_accesses(app)
    except (MemoryServerError, TimeoutError) as exc:
        log.warning("upkeep.accesses_lost", reason=str(exc) or "no time left")
