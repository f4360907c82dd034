"""The worker: claims jobs, runs them, renews their leases, settles them, and drains when it is told to stop.

Several processes may run one on the same queue. A worker that dies loses nothing: its leases end, and its jobs are
another's.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
import time
from collections.abc import Mapping
from typing import Any, NoReturn

import structlog

from agent_memory_server.domain.errors import MemoryServerError, Unavailable
from agent_memory_server.interfaces.worker.handlers import EXPRESS, HANDLERS, LONG, LONG_FACTOR, Handler
from agent_memory_server.interfaces.worker.options import WorkerOptions
from agent_memory_server.interfaces.worker.outcome import Outcome, TooLong, Verdict, outcome_of
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.jobs import Claim, Claims, Job
from agent_memory_server.telemetry.log import frames_of

_SETTLE_PAUSE_S = 0.5
_SETTLE_STOPPING_S = 1.0
"""How long a worker that stops tries to tell the queue what became of a job."""
_LONGEST_PAUSE_S = 5.0
"""Between two questions whether a queue that did not answer is back."""
_LEAVE_S = 2.0

log = structlog.get_logger()


class _LeaseLost(Exception):
    """The job is another worker's now."""


class Worker:
    """Runs jobs of one queue in this process."""

    def __init__(
        self,
        app: Application,
        claims: Claims,
        *,
        options: WorkerOptions | None = None,
        handlers: Mapping[str, Handler] = HANDLERS,
    ) -> None:
        self._app = app
        self._claims = claims
        self._options = options or WorkerOptions()
        self._handlers = handlers
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._stopping = asyncio.Event()
        self._lost = 0  # times in a row that the queue did not answer
        self._running: dict[asyncio.Task[None], Job] = {}
        self._most_asking = self._options.concurrency
        if app.chat is not None or app.fast_chat is not None:
            self._most_asking = self._options.most_asking

    def stop(self) -> None:
        """Take no further jobs; `run` returns once the running ones have ended, or were handed back."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`. Cancelled, it hands its jobs back at once."""
        try:
            async with asyncio.TaskGroup() as jobs:
                beating = jobs.create_task(self._beat(), name="worker.beat")
                while not self._stopping.is_set():
                    if not await self._take(jobs):
                        await self._wait()
                await self._drain()
                beating.cancel()
        finally:
            self._running.clear()
            await self._leave()

    async def _beat(self) -> NoReturn:
        while True:
            self._touch()
            try:
                await self._claims.beat(self._name, now=self._app.clock())
            except Unavailable as exc:
                log.debug("worker.not_seen", reason=str(exc))
            await asyncio.sleep(self._options.beat_s)

    def _touch(self) -> None:
        # Whether or not the queue answers: a process that waits for it is well.
        if self._options.heartbeat is not None:
            try:
                self._options.heartbeat.touch()
            except OSError as exc:
                log.warning("worker.no_heartbeat", file=str(self._options.heartbeat), reason=exc.strerror)

    async def _leave(self) -> None:
        # Reached by cancellation as well, which asyncio delivers once: what is awaited from here on runs.
        try:
            async with asyncio.timeout(_LEAVE_S):
                await self._claims.gone(self._name)
        except (MemoryServerError, TimeoutError):
            log.debug("worker.left_without_a_word")

    async def _take(self, jobs: asyncio.TaskGroup) -> int:
        """Start what is due and fits in; how many jobs."""
        free = self._free()
        names = () if free > 0 else EXPRESS
        limit = free if free > 0 else self._options.concurrency + len(EXPRESS) - len(self._running)
        if limit <= 0:
            return 0
        now, lease_s = self._app.clock(), self._options.lease_s
        try:
            claimed = await self._claims.claim(now=now, lease_s=lease_s, limit=limit, names=names)
        except Unavailable as exc:
            self._lost += 1
            pause_s = self._pause_s()
            log.warning("worker.no_queue", code=exc.code, reason=str(exc), retry_in_s=round(pause_s, 2))
            await self._stopped_within(pause_s)
            return 0
        self._lost = 0
        for claim in claimed:
            task = jobs.create_task(self._attempt(claim), name=f"job.{claim.job.kind}")
            self._running[task] = claim.job
            task.add_done_callback(self._running.pop)
        return len(claimed)

    def _free(self) -> int:
        """How many jobs of any kind there is room for."""
        asking = sum((job.kind, job.key) not in EXPRESS for job in self._running.values())
        return min(self._options.concurrency - len(self._running), self._most_asking - asking)

    async def _wait(self) -> None:
        """Until a job may be there and there is room for it, or the worker is to stop."""
        full = self._free() <= 0
        ours: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._stopping.wait())}
        if not full:
            ours.add(asyncio.ensure_future(self._arrival()))
        try:
            timeout = self._options.poll_s if full else None  # the bell is for workers that have room
            waited = ours | self._running.keys() if full else ours
            await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in ours:
                future.cancel()
            await asyncio.gather(*ours, return_exceptions=True)

    async def _arrival(self) -> None:
        try:
            await self._claims.arrival(now=self._app.clock(), within_s=self._options.poll_s)
        except Unavailable:
            await asyncio.sleep(self._options.poll_s)

    def _pause_s(self) -> float:
        """Before the queue is asked again: longer and longer, and not in step with other workers."""
        longest = min(self._options.poll_s * 2.0 ** min(self._lost - 1, 16), _LONGEST_PAUSE_S)
        return longest * (1 - random.random() / 2)  # noqa: S311 - spreads retries, guards nothing

    async def _stopped_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _drain(self) -> None:
        if not self._running:
            return
        log.info("worker.draining", running=len(self._running))
        _, left = await asyncio.wait(set(self._running), timeout=self._options.drain_s)
        for task in left:
            task.cancel()

    # --- one job ------------------------------------------------------------------------------------------------------

    async def _attempt(self, claim: Claim) -> None:
        began = time.perf_counter()
        try:
            outcome = await self._outcome(claim)
        except asyncio.CancelledError:
            await self._settled(claim, None)
            log.info("job.handed_back", kind=claim.job.kind, key=claim.job.key)
            raise
        except _LeaseLost:
            log.warning("job.lease_lost", kind=claim.job.kind, key=claim.job.key, attempt=claim.attempt)
            return
        await self._settled(claim, outcome)
        self._tell(claim, outcome, time.perf_counter() - began)

    async def _outcome(self, claim: Claim) -> Outcome:
        """Run the handler while the lease is renewed."""
        if claim.attempt > self._options.attempts:
            return Outcome(verdict=Verdict.HOPELESS, error=f"its worker died {claim.attempt - 1} times")
        try:
            async with asyncio.TaskGroup() as beside:
                renewing = beside.create_task(self._renew(claim))
                await self._handle(claim)
                renewing.cancel()
        except BaseExceptionGroup as group:
            exc = _first(group)
            if not isinstance(exc, Exception) or isinstance(exc, _LeaseLost):
                raise exc from group
            if not isinstance(exc, MemoryServerError | TooLong):
                # Not log.exception: the message of an unforeseen error may quote a memory.
                fault = {"error": type(exc).__name__, "frames": frames_of(exc)}
                log.error("job.fault", kind=claim.job.kind, key=claim.job.key, **fault)  # noqa: TRY400
            return outcome_of(claim, exc, self._options, now=self._app.clock())
        return Outcome(verdict=Verdict.DONE)

    async def _handle(self, claim: Claim) -> None:
        handler = self._handlers.get(claim.job.kind)
        if handler is None:  # a newer server of the fleet may know it
            raise Unavailable(f"this worker knows no kind of job called {claim.job.kind!r}")
        limit_s = self._options.job_timeout_s * (LONG_FACTOR if claim.job.kind in LONG else 1)
        limit = asyncio.timeout(limit_s)
        try:
            async with limit:
                await handler(self._app, claim.job.arguments)
        except TimeoutError as exc:
            if limit.expired():
                raise TooLong(limit_s) from exc
            raise

    async def _renew(self, claim: Claim) -> NoReturn:
        lease_s = self._options.lease_s
        while True:
            await asyncio.sleep(lease_s / 3)
            try:
                if not await self._claims.renew(claim, now=self._app.clock(), lease_s=lease_s):
                    raise _LeaseLost
            except Unavailable as exc:
                log.warning("job.not_renewed", kind=claim.job.kind, key=claim.job.key, reason=str(exc))

    async def _settled(self, claim: Claim, outcome: Outcome | None) -> None:
        """Tell the queue what became of the job, for as long as its lease may last. Else it runs once more."""
        began = time.monotonic()
        while True:
            try:
                await asyncio.shield(self._settle(claim, outcome))
            except MemoryServerError as exc:
                log.warning("job.not_settled", kind=claim.job.kind, key=claim.job.key, reason=str(exc))
            else:
                return
            patience_s = _SETTLE_STOPPING_S if self._stopping.is_set() or outcome is None else self._options.lease_s
            if time.monotonic() - began >= patience_s:
                return
            await asyncio.sleep(_SETTLE_PAUSE_S)

    async def _settle(self, claim: Claim, outcome: Outcome | None) -> None:
        now = self._app.clock()
        if outcome is None:
            await self._claims.release(claim, now=now)
        elif outcome.verdict is Verdict.DONE:
            await self._claims.done(claim)
        elif outcome.due is None:
            await self._claims.give_up(claim, now=now, error=outcome.error)
        else:
            await self._claims.fail(claim, now=now, due=outcome.due, error=outcome.error, counts=outcome.counts)

    def _tell(self, claim: Claim, outcome: Outcome, passed_s: float) -> None:
        said = {"kind": claim.job.kind, "key": claim.job.key, "attempt": claim.attempt}
        said["duration_ms"] = round(passed_s * 1000, 1)
        if outcome.verdict is Verdict.DONE:
            log.debug("job.done", **said)
        elif outcome.due is None:
            log.error("job.given_up", reason=outcome.error, **said)
        else:
            log.warning(
                "job.retried", reason=outcome.error, retry_in_s=round(outcome.due - self._app.clock(), 2), **said
            )


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure of the handler itself, or of the lease: the first that is no group."""
    exc: BaseException = group
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    return exc
