"""Promise 8: the state is the truth, the queue is a hint. Losing the whole queue loses no work."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path

import pytest

from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.retention import RetentionPolicy
from agent_memory_server.interfaces.worker.background import background
from agent_memory_server.interfaces.worker.sweep import sweep
from agent_memory_server.interfaces.worker.upkeep import Pace
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.remember import remember
from agent_memory_server.ports.jobs import Job
from tests.operations.given import NOW, FailingEmbedder, SettableClock, append, memory, turn
from tests.support.chosen_engine import lose_the_queue, settings_of
from tests.support.jobs import QUICK, queue_of
from tests.support.processes import serving, working
from tests.support.rest import application
from tests.support.waiting import until


async def test_owed_embeddings_and_forgetting_are_done_after_the_whole_queue_was_lost(tmp_path: Path) -> None:
    embedder = FailingEmbedder(down=True)
    clock = SettableClock(NOW)
    rules = Options(forgetting=RetentionPolicy(max_age_days=1), forgetting_every_s=3600)
    async with application(tmp_path, embedder=embedder, clock=clock, rules=rules) as app:
        await append(app, turn("1"), turn("2"))
        await remember(app, LOCAL, [memory("old", created_at=NOW - 2 * 86_400)])
        await sweep(app)
        assert (await app.jobs.figures()).waiting >= 2
        lose_the_queue(tmp_path)
        assert (await app.jobs.figures()).waiting == 0
    embedder = FailingEmbedder()
    async with (
        application(tmp_path, embedder=embedder, clock=clock, rules=rules) as app,
        background(app, queue_of(app), QUICK, pace=Pace(owed_s=0.02)),
    ):

        async def queued_again() -> bool:
            return (await app.jobs.figures()).waiting >= 2

        await until(queued_again)
        clock.now += 3601

        async def all_done() -> bool:
            stats = await app.memories.stats()
            return stats.unembedded == 0 and not await app.memories.get(LOCAL.scope, ["old"])

        await until(all_done)
        assert [m.id for m in await app.memories.get(LOCAL.scope, ["1", "2"])] == ["1", "2"]


@pytest.mark.parametrize("worker", [False, True], ids=["inline", "with a worker"])
async def test_a_long_session_is_folded_without_another_write_after_a_kill_and_the_loss_of_the_queue(
    tmp_path: Path, worker: bool
) -> None:
    folder = tmp_path / "data"
    env = settings_of(folder) | {"EXTRACTION_DEBOUNCE_SECONDS": "600", "EXTRACTION_LONGEST_WAIT_SECONDS": "600"}
    turns = [{"id": f"m{n}", "role": "user", "content": f"Stop {n}: I saw a heron on the river."} for n in range(30)]
    backend = ["--task-backend", "docket" if worker else "asyncio"]
    with serving(folder, *backend, env=env) as server, server.client() as http:
        written = http.put("/v1/working-memory/trip?context_window_max=300", json={"messages": turns})
        assert written.status_code == 200
        server.kill()
    lose_the_queue(folder)
    env |= {"EXTRACTION_DEBOUNCE_SECONDS": "0", "EXTRACTION_LONGEST_WAIT_SECONDS": "0"}
    with (
        serving(folder, *backend, env=env) as server,
        server.client() as http,
        working(folder, env=env) if worker else nullcontext(),
    ):

        async def folded() -> bool:
            return bool(http.get("/v1/working-memory/trip").json()["context"])

        await until(folded)
        session = http.get("/v1/working-memory/trip").json()
        left = [message["id"] for message in session["messages"]]
        assert left == [turn["id"] for turn in turns[-len(left) :]]
        assert 0 < len(left) < 15
        assert "heron" in session["context"]
        ids = {"text": None, "memory_type": {"eq": "message"}, "limit": 100}
        kept = http.post("/v1/long-term-memory/search", json=ids).json()["memories"]
        assert {record["id"] for record in kept} == {turn["id"] for turn in turns}


async def test_many_sweeps_at_once_queue_each_piece_of_work_once(tmp_path: Path) -> None:
    async with application(tmp_path, rules=Options(forgetting=RetentionPolicy(max_age_days=1))) as app:
        await sweep(app)
        once = await app.jobs.figures()
        await asyncio.gather(*(sweep(app) for _ in range(20)))
        assert once.waiting >= 2
        assert await app.jobs.figures() == once


async def test_a_sweep_does_not_dig_up_what_was_given_up_lately(tmp_path: Path) -> None:
    async with application(tmp_path) as app:
        work = Job(kind="work", key="poison")
        await app.jobs.add(work, due=0)
        (claim,) = await queue_of(app).claim(now=NOW, lease_s=30)
        await queue_of(app).give_up(claim, now=NOW, error="broken")
        await app.jobs.add(work, due=0, unless_dead_since=NOW - 86_400)
        assert (await app.jobs.figures()).waiting == 0
