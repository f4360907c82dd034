from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from structlog.testing import capture_logs

from agent_memory_server.adapters.providers.deterministic import DeterministicEmbedder
from agent_memory_server.domain.errors import InvalidRequest, Unavailable
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.interfaces.worker.upkeep import Pace, run_upkeep
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.recall import recall
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.soon import COMPARE_AFTER_S, compare_job
from tests.support.jobs import queue_of
from tests.support.rest import DIMENSIONS, application, wall_clock
from tests.support.waiting import until

QUICK = Pace(owed_s=0.02, access_s=0.02, backoff_s=0.01, longest_backoff_s=0.05)
SLOW = Pace(owed_s=3600, access_s=3600)


class Moody:
    """An embedder that fails as long as it is told to, and refuses one text for good."""

    def __init__(self) -> None:
        self._inner = DeterministicEmbedder(DIMENSIONS)
        self.failing = False
        self.refused = ""
        self.calls = 0

    model = "deterministic"
    dimensions = DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls += 1
        if self.failing:
            raise Unavailable("the model sleeps")
        if self.refused and self.refused in texts:
            raise InvalidRequest("the model refuses a text")
        return await self._inner.embed(texts)

    async def close(self) -> None:
        await self._inner.close()


@asynccontextmanager
async def upkeep(app: Application, pace: Pace) -> AsyncIterator[None]:
    running = asyncio.ensure_future(run_upkeep(app, pace=pace))
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def owed_none(app: Application) -> Callable[[], Awaitable[bool]]:
    async def none_owed() -> bool:
        return (await app.memories.stats()).unembedded == 0

    return none_owed


def memory(text: str, **members: Any) -> Memory:
    now = wall_clock()
    times = {"created_at": now, "updated_at": now, "last_accessed": now}
    return Memory(**{"id": text, "text": text, **times, **members})


async def test_what_could_not_be_embedded_is_embedded_once_the_model_is_back(tmp_path: Path) -> None:
    embedder = Moody()
    async with application(tmp_path, embedder=embedder) as app:
        embedder.failing = True
        await remember(app, LOCAL, [memory("zebra"), memory("lion")])
        assert (await app.memories.stats()).unembedded == 2
        async with upkeep(app, QUICK):
            with capture_logs() as logs:
                calls = embedder.calls
                await until(lambda: _called(embedder, calls + 9))  # a batch and its texts, several times
                assert (await app.memories.stats()).unembedded == 2
            embedder.failing = False
            await until(owed_none(app))
        failures = [line["failures"] for line in logs if line["event"] == "upkeep.failed"]
        assert failures[:2] == [1, 2]


async def _called(embedder: Moody, times: int) -> bool:
    return embedder.calls >= times


async def test_a_write_that_owes_rings_the_loop_at_once(tmp_path: Path) -> None:
    embedder = Moody()
    async with application(tmp_path, embedder=embedder) as app, upkeep(app, SLOW):
        embedder.failing = True
        await remember(app, LOCAL, [memory("zebra")])
        embedder.failing = False
        await until(owed_none(app))


async def test_what_was_stored_together_is_compared_soon_by_one_job(tmp_path: Path) -> None:
    pace = Pace(owed_s=3600, access_s=3600, stored_s=0.05)
    async with application(tmp_path) as app, upkeep(app, pace):

        async def queued() -> bool:
            return (await app.jobs.figures()).waiting == 1

        for n in range(5):
            await remember(app, LOCAL, [memory(f"zebra {n}")])
        await until(queued)
        queue = queue_of(app)
        now = app.clock()
        assert not await queue.claim(now=now, lease_s=30, limit=9)
        claimed = await queue.claim(now=now + COMPARE_AFTER_S, lease_s=30, limit=9)
        assert [each.job for each in claimed] == [compare_job()]


async def test_what_another_process_left_is_found_without_a_ring(tmp_path: Path) -> None:
    embedder = Moody()
    async with application(tmp_path, embedder=embedder) as app:
        embedder.failing = True
        await remember(app, LOCAL, [memory("zebra")])
        app.owed.clear()
        embedder.failing = False
        async with upkeep(app, QUICK):
            await until(owed_none(app))


async def test_a_text_that_the_model_refuses_holds_up_no_other(tmp_path: Path) -> None:
    embedder = Moody()
    async with application(tmp_path, embedder=embedder) as app:
        embedder.failing = True
        await remember(app, LOCAL, [memory("odd"), memory("zebra")])
        embedder.failing, embedder.refused = False, "odd"
        async with upkeep(app, QUICK):
            await until(owed_none(app))


async def test_accesses_are_written_in_a_while(tmp_path: Path) -> None:
    async with application(tmp_path) as app:
        await remember(app, LOCAL, [memory("zebra", last_accessed=wall_clock() - 3600)])
        app.accesses.note(["zebra", "nothing"])
        async with upkeep(app, QUICK):

            async def accessed() -> bool:
                return (await recall(app, LOCAL, "zebra")).access_count == 1

            await until(accessed)


async def test_accesses_noted_last_are_written_when_the_loop_ends(tmp_path: Path) -> None:
    async with application(tmp_path) as app:
        await remember(app, LOCAL, [memory("zebra", last_accessed=wall_clock() - 3600)])
        async with upkeep(app, SLOW):
            await asyncio.sleep(0)
            app.accesses.note(["zebra"])
        assert (await recall(app, LOCAL, "zebra")).access_count == 1
