"""Periodic work: once in its interval, however many workers there are, and again after a lost queue."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.retention import RetentionPolicy
from agent_memory_server.domain.session import Session, SessionKey
from agent_memory_server.interfaces.worker.handlers import HANDLERS
from agent_memory_server.interfaces.worker.schedule import Periodic, ensure, run_periodic
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.converse import SessionWrite, put_session
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.window import Window
from tests.operations.given import NOW, SettableClock, memory
from tests.support.jobs import queue_of
from tests.support.rest import application

HOURLY = Periodic(kind="hourly", asks=False, run=lambda app: app.memories.ping(), every_s=lambda _: 3600.0)


async def kinds_due(app: Application, at: float) -> list[str]:
    """The kinds that are due; they are claimed and done."""
    queue = queue_of(app)
    claimed = await queue.claim(now=at, lease_s=30, limit=100)
    for each in claimed:
        await queue.done(each)
    return sorted(each.job.kind for each in claimed)


async def test_what_was_ensured_by_many_runs_once(tmp_path: Path) -> None:
    clock = SettableClock(NOW)
    async with application(tmp_path, clock=clock) as app:
        for _ in range(5):
            await ensure(app, (HOURLY,))
            clock.now += 60
        assert await kinds_due(app, NOW + 3599) == []
        assert await kinds_due(app, NOW + 3600) == ["hourly"]


async def test_a_run_queues_the_next_one_before_it_begins(tmp_path: Path) -> None:
    async def failing(_: Application) -> None:
        raise Unavailable("asleep")

    clock = SettableClock(NOW)
    entry = Periodic(kind="hourly", asks=False, run=failing, every_s=lambda _: 3600.0)
    async with application(tmp_path, clock=clock) as app:
        with pytest.raises(Unavailable):
            await run_periodic(entry)(app, {})
        assert await kinds_due(app, NOW + 3600) == ["hourly"]


async def test_what_is_switched_off_is_not_queued(tmp_path: Path) -> None:
    async with application(tmp_path, clock=SettableClock(NOW)) as app:
        await ensure(app)
        assert await kinds_due(app, NOW + 1e6) == ["consolidate", "purge_expired", "refresh_views"]
    rules = Options(forgetting=RetentionPolicy(max_age_days=1))
    async with application(tmp_path / "2", clock=SettableClock(NOW), rules=rules) as app:
        await ensure(app)
        assert await kinds_due(app, NOW + 1e6) == ["consolidate", "forget_by_policy", "purge_expired", "refresh_views"]


async def test_sessions_whose_time_is_over_are_dropped(tmp_path: Path) -> None:
    clock = SettableClock(NOW)
    async with application(tmp_path, clock=clock) as app:
        key = SessionKey("", "", "s")
        session = Session(key=key, created_at=NOW, updated_at=NOW, last_accessed=NOW, ttl_seconds=60)
        await put_session(app, LOCAL, SessionWrite(key=key, session=session), Window())
        clock.now += 61
        assert (await app.memories.stats()).sessions == 1
        await HANDLERS["purge_expired"](app, {})
        assert (await app.memories.stats()).sessions == 0


async def test_the_policy_of_forgetting_is_applied(tmp_path: Path) -> None:
    rules = Options(forgetting=RetentionPolicy(max_age_days=1))
    async with application(tmp_path, rules=rules, clock=SettableClock(NOW)) as app:
        old = NOW - 2 * 86_400
        await remember(
            app, LOCAL, [memory("old", created_at=old), memory("new"), memory("kept", created_at=old, pinned=True)]
        )
        await HANDLERS["forget_by_policy"](app, {})
        assert [m.id for m in await app.memories.get(LOCAL.scope, ["old", "new", "kept"])] == ["new", "kept"]


async def test_without_a_policy_nothing_is_forgotten(tmp_path: Path) -> None:
    async with application(tmp_path, clock=SettableClock(NOW)) as app:
        await remember(app, LOCAL, [memory("old", created_at=0.0, last_accessed=0.0)])
        await HANDLERS["forget_by_policy"](app, {})
        assert (await app.memories.stats()).memories == 1
