"""Where other processes do the background work, what a write leaves owed is embedded by one job for all of them."""

from __future__ import annotations

from pathlib import Path

from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.interfaces.worker.background import background, queueing
from agent_memory_server.interfaces.worker.sweep import SWEEPS, sweep
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.upkeep import (
    EMBED_AT_ONCE,
    KIND,
    embed_all_owed,
    queue_embedding,
    sweep_embeddings,
)
from agent_memory_server.ports.jobs import JobFigures
from tests.operations.given import NOW, FailingEmbedder, SettableClock, append, memory, turn
from tests.support.jobs import QUICK, queue_of
from tests.support.rest import application
from tests.support.waiting import until


class Hasty(SettableClock):
    """Half a minute passes between two looks."""

    def __call__(self) -> float:
        self.now += 31
        return super().__call__()


async def test_a_process_that_only_queues_embeds_nothing_and_queues_one_job(tmp_path: Path) -> None:
    async with application(tmp_path) as app, queueing(app):
        for n in range(5):
            await append(app, turn(str(n)))

        async def queued() -> bool:
            return app.owed.is_set() is False and (await app.jobs.figures()).waiting == 2  # one reads the session

        await until(queued)
        assert (await app.memories.stats()).unembedded == 5
        claims = await queue_of(app).claim(now=app.clock() + 9, lease_s=30, limit=9)
        assert KIND in [claim.job.kind for claim in claims]


async def test_workers_embed_what_others_left_each_text_once(tmp_path: Path) -> None:
    embedder = FailingEmbedder(down=True)
    async with application(tmp_path, embedder=embedder) as app:
        await remember(app, LOCAL, [memory(str(n)) for n in range(3 * EMBED_AT_ONCE)])
        app.owed.clear()
        embedder.down = False
        embedder.calls.clear()
        async with (
            background(app, queue_of(app), QUICK, embedding=False),
            background(app, queue_of(app), QUICK, embedding=False),
        ):

            async def all_embedded() -> bool:
                return (await app.memories.stats()).unembedded == 0

            await until(all_embedded)
        texts = [text for call in embedder.calls for text in call]
        assert len(texts) == len(set(texts)) == 3 * EMBED_AT_ONCE


async def test_a_job_that_has_embedded_for_a_minute_leaves_the_rest_to_the_next_one(tmp_path: Path) -> None:
    embedder = FailingEmbedder(down=True)
    clock = Hasty(NOW)
    async with application(tmp_path, embedder=embedder, clock=clock) as app:
        await remember(app, LOCAL, [memory(str(n)) for n in range(2 * EMBED_AT_ONCE + 1)])
        embedder.down = False
        assert await embed_all_owed(app) == EMBED_AT_ONCE
        (claim,) = await queue_of(app).claim(now=clock.now, lease_s=30)
        assert claim.job.kind == KIND
        assert await embed_all_owed(app) == EMBED_AT_ONCE
        assert await embed_all_owed(app) == 1
        assert (await app.memories.stats()).unembedded == 0


async def test_the_sweep_queues_the_job_only_when_something_is_owed_and_it_was_not_given_up(tmp_path: Path) -> None:
    embedder = FailingEmbedder(down=True)
    looks = (*SWEEPS, sweep_embeddings)
    async with application(tmp_path, embedder=embedder) as app:
        await sweep(app, looks)
        before = (await app.jobs.figures()).waiting
        await remember(app, LOCAL, [memory("a")])
        await sweep(app, looks)
        assert (await app.jobs.figures()).waiting == before + 1
        queue = queue_of(app)
        await queue_embedding(app)
        (claim,) = [each for each in await queue.claim(now=app.clock(), lease_s=30, limit=9) if each.job.kind == KIND]
        await queue.give_up(claim, now=app.clock(), error="broken")
        await sweep(app, looks)
        assert await app.jobs.figures() == JobFigures(waiting=before, running=0, dead=1)
