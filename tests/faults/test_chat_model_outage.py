"""A chat model fails for a while in every way it can, under load and with workers: all is done afterwards, nothing
twice, and nothing is marked as done that is not.

`OUTAGE_SECONDS=60 pytest tests/faults/test_chat_model_outage.py` runs the full window; the tests run a tenth of it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.interfaces.worker.background import background
from agent_memory_server.interfaces.worker.upkeep import Pace
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.remember import remember
from tests.operations.given import append, memory, turn
from tests.support.chat_service import ChatService, chat_service, failed, model_of, said, truncated
from tests.support.jobs import QUICK, queue_of
from tests.support.pipeline import at_rest, playing
from tests.support.redis_application import on_redis
from tests.support.rest import application, wall_clock
from tests.support.waiting import until

WINDOW_S = float(os.environ.get("OUTAGE_SECONDS", "6"))
SESSIONS = 8
TURNS = 6
GARBAGE = ('{"memories": [{"text": "half', '{"memories": 7}', "I am sorry, I cannot.", '{"other": []}', "")
OUTAGES = [failed(500), None, failed(429, {"Retry-After": "0"}), truncated(), *map(said, GARBAGE), failed(503)]
"""One after the other, each for its part of the window; None: silence, until the client gives up waiting."""


def session(number: int) -> SessionKey:
    return SessionKey("team", f"user{number}", f"talk{number}")


@asynccontextmanager
async def two_workers(folder: Path, service: ChatService, redis: str | None) -> AsyncIterator[Application]:
    """An application whose jobs two workers run, each with a database and a model of its own, as processes would."""
    rules = Options(extract_after_s=0.1, extract_within_s=0.5)
    options = replace(QUICK, sweep_every_s=0.5)
    pace = Pace(gather_s=0.0, owed_s=0.05, stored_s=0.0, access_s=3600)
    models = [model_of(service, timeout_s=0.3) for _ in range(2)]
    async with AsyncExitStack() as stack:
        apps: list[Application] = []
        for model in models:
            app = await stack.enter_async_context(application(folder, rules=rules, chat=model))
            if redis:
                app = await stack.enter_async_context(on_redis(app, redis, emptied=not apps))
            apps.append(app)
        for app in apps:
            await stack.enter_async_context(background(app, queue_of(app), options, pace=pace))
        yield apps[0]
    for model in models:
        await model.close()


async def break_it(service: ChatService) -> None:
    """All outages in turn, for the length of the window."""
    for outage in OUTAGES:
        service.outage = outage
        if outage is None:
            service.hold.clear()
        await asyncio.sleep(WINDOW_S / len(OUTAGES))
        service.hold.set()
    service.outage = None


async def talk(app: Application) -> None:
    """Turns of all sessions, and records without labels, spread over the window."""
    for n in range(TURNS):
        for number in range(SESSIONS):
            place = {"namespace": "team", "user_id": f"user{number}"}
            said_now = turn(f"m{number}-{n}", f"My {n}th house has {number} doors.", created_at=wall_clock())
            await append(app, said_now, key=session(number))
            await remember(app, LOCAL, [memory(f"r{number}-{n}", f"record {n} of {number}", **place)])
        await asyncio.sleep(WINDOW_S / TURNS)


async def facts_of(app: Application, key: SessionKey) -> list[str]:
    page = await app.memories.list(EVERYWHERE, EVERYTHING, limit=1000)
    found = [each for each in page.memories if each.session_id == key.session_id]
    return [source for each in found if each.memory_type is not MemoryType.MESSAGE for source in each.extracted_from]


async def marked_of(app: Application, key: SessionKey) -> list[str]:
    read = await app.sessions.get(EVERYWHERE, key, now=app.clock())
    return [each.id for each in read.messages if each.discrete_memory_extracted] if read else []


async def watch(app: Application, until_done: asyncio.Event) -> None:
    """Whatever is marked as read has its memory, at every moment."""
    for number in itertools.cycle(range(SESSIONS)):
        if until_done.is_set():
            return
        marked = await marked_of(app, session(number))  # before its memories: these may only grow meanwhile
        assert set(marked) <= set(await facts_of(app, session(number)))
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("engine", ["sqlite", "redis"])
async def test_after_an_outage_of_every_kind_all_is_done_once(
    tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    redis = request.getfixturevalue("redis_url") if engine == "redis" else None
    with chat_service() as service:
        service.answer(playing)
        async with two_workers(tmp_path, service, redis) as app:
            over = asyncio.Event()
            watching = asyncio.ensure_future(watch(app, over))
            await asyncio.gather(break_it(service), talk(app))
            failed_meanwhile = len(service.asked)

            async def all_read() -> bool:
                owed = await app.sessions.owed_extractions(now=app.clock(), limit=1)
                unlabelled = await app.memories.unlabelled(limit=1)
                uncompared = await app.memories.uncompared(EVERYWHERE, EVERYTHING, limit=1)
                return not owed and not unlabelled and not uncompared and await at_rest(app)

            await until(all_read)
            over.set()
            await watching
            assert failed_meanwhile > len(OUTAGES)
            for number in range(SESSIONS):
                sources = await facts_of(app, session(number))
                assert sorted(sources) == [f"m{number}-{n}" for n in range(TURNS)]
                assert sorted(await marked_of(app, session(number))) == sorted(sources)
            labelled = await app.memories.get(EVERYWHERE, [f"r{n}-{t}" for n in range(SESSIONS) for t in range(TURNS)])
            assert [each.topics for each in labelled] == [("talk",)] * SESSIONS * TURNS
            assert not await app.jobs.dead()
