"""A chat model that says nothing: it holds the places for work that asks it, and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.retention import RetentionPolicy
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.interfaces.worker.handlers import HANDLERS
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.soon import periodic_job
from agent_memory_server.operations.upkeep import queue_embedding
from tests.operations.given import NOW, FailingEmbedder, append, memory, turn
from tests.support.chat_service import chat_service, model_of
from tests.support.jobs import QUICK, working
from tests.support.pipeline import playing
from tests.support.rest import application, wall_clock
from tests.support.waiting import until

SESSIONS = 6
RULES = Options(extract_after_s=0, forgetting=RetentionPolicy(max_age_days=1), forgetting_every_s=3600)


@pytest.mark.parametrize(("concurrency", "asking", "held"), [(3, None, 2), (4, 1, 1), (1, None, 1)])
async def test_a_model_that_says_nothing_holds_its_places_and_work_that_asks_none_goes_on(
    tmp_path: Path, engine: str, concurrency: int, asking: int | None, held: int
) -> None:
    embedder = FailingEmbedder(down=True)
    options = replace(QUICK, concurrency=concurrency, asking=asking)
    with chat_service() as service:
        service.answer(playing)
        service.hold.clear()
        model = model_of(service, timeout_s=60)
        async with application(tmp_path, embedder=embedder, rules=RULES, chat=model) as app:
            for n in range(SESSIONS):
                said = turn(f"m{n}", f"My house has {n} doors.", created_at=wall_clock())
                await append(app, said, key=SessionKey("team", "ana", f"talk{n}"))
            async with working(app, HANDLERS, options):

                async def as_many_as_may() -> bool:
                    return len(service.asked) == held

                await until(as_many_as_may)
                await remember(app, LOCAL, [memory("old", created_at=NOW - 1e8, last_accessed=NOW - 1e8)])
                embedder.down = False
                await queue_embedding(app)
                await app.jobs.add(periodic_job("forget_by_policy"), due=0)
                await app.jobs.add(periodic_job("purge_expired"), due=0)

                async def all_but_those_are_done() -> bool:
                    figures = await app.jobs.figures()
                    waiting = figures.waiting - SESSIONS + held - 2  # and the next runs of what is periodic
                    return (figures.running, waiting) == (held, 0)

                await until(all_but_those_are_done)
                stats = await app.memories.stats()
                assert stats.unembedded == 0
                assert await app.memories.get(EVERYWHERE, ["old"]) == []
                assert len(service.asked) == held
                service.hold.set()

                async def all_read() -> bool:
                    return not await app.sessions.owed_extractions(now=app.clock(), limit=1)

                await until(all_read)
        await model.close()
