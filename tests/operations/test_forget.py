"""Letting memories go, by id or by a policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from agent_memory_server.domain.errors import Forbidden
from agent_memory_server.domain.filters import EVERYTHING, Filter, TextField, only
from agent_memory_server.domain.principal import LOCAL, Action
from agent_memory_server.domain.query import Page
from agent_memory_server.domain.retention import RetentionPolicy
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.forget import Forgotten, delete, forget
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.revise import revise
from agent_memory_server.ports.memory_store import MemoryStore
from tests.operations.given import NOW, SettableClock, caller, memory, records

DAY_S = 86_400.0
OLD: dict[str, Any] = {
    "created_at": NOW - 100 * DAY_S,
    "updated_at": NOW - 100 * DAY_S,
    "last_accessed": NOW - 100 * DAY_S,
}
MONTH = RetentionPolicy(max_age_days=30)


async def run(app: Application, policy: RetentionPolicy = MONTH, filter_: Filter = EVERYTHING) -> Forgotten:
    return await forget(app, LOCAL, policy, filter_, dry_run=False, page=7)


async def test_everything_beyond_a_page_is_looked_at(app: Application) -> None:
    await remember(app, LOCAL, [memory(f"{n:02}", **(OLD if n % 3 else {})) for n in range(50)])
    tried = await forget(app, LOCAL, MONTH, EVERYTHING, page=7)
    assert (tried.scanned, len(tried.ids), tried.dry_run) == (50, 33, True)
    done = await run(app)
    assert (done.scanned, set(done.ids)) == (50, set(tried.ids))
    assert (await run(app)).scanned == 17


async def test_a_budget_counts_over_all_pages(app: Application) -> None:
    await remember(app, LOCAL, [memory(f"{n:02}", last_accessed=NOW - n * DAY_S) for n in range(40)])
    done = await run(app, RetentionPolicy(budget=3))
    assert sorted(done.ids) == [f"{n:02}" for n in range(3, 40)]


async def test_more_than_one_batch_is_deleted(app: Application) -> None:
    await remember(app, LOCAL, [memory(str(n), **OLD) for n in range(1203)])
    assert len((await forget(app, LOCAL, MONTH, EVERYTHING, dry_run=False)).ids) == 1203
    assert (await forget(app, LOCAL, MONTH, EVERYTHING)).scanned == 0


async def test_pinned_memories_and_named_ones_stay(app: Application) -> None:
    await remember(app, LOCAL, [memory("pinned", pinned=True, **OLD), memory("named", **OLD), memory("gone", **OLD)])
    done = await forget(app, LOCAL, MONTH, EVERYTHING, pinned_ids=frozenset({"named"}), dry_run=False)
    assert done.ids == ("gone",)


async def test_only_the_filter_and_the_scope_of_the_caller_are_touched(app: Application) -> None:
    users = ("ana", "bob", "cy")
    await remember(app, LOCAL, [memory(user, user_id=user, **OLD) for user in users])
    in_filter = Filter((only(TextField.USER_ID, "ana", "bob"),))
    done = await forget(app, caller(users=["bob", "cy"]), MONTH, in_filter, dry_run=False)
    assert done.ids == ("bob",)
    with pytest.raises(Forbidden):
        await forget(app, caller(can=frozenset({Action.READ})), MONTH, EVERYTHING)


class ChangedAfterListing:
    """A store in which others act as soon as a listing was read."""

    def __init__(self, store: MemoryStore, act: Callable[[], Awaitable[object]]) -> None:
        self._store = store
        self._act = act

    async def list(self, *args: Any, **options: Any) -> Page:
        page = await self._store.list(*args, **options)
        await self._act()
        return page

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def test_what_is_used_changed_or_pinned_while_a_policy_runs_stays(app: Application, clock: SettableClock) -> None:
    given = ("used", "changed", "pinned", "gone", "idle")
    await remember(app, LOCAL, [memory(id_, **OLD) for id_ in given])

    async def others() -> None:
        clock.now += 1
        await app.memories.touch(LOCAL.scope, ["used"], at=clock.now)
        await revise(app, LOCAL, "changed", {"topics": ("new",)})
        await revise(app, LOCAL, "pinned", {"pinned": True})
        await delete(app, LOCAL, ["gone"])

    beset = replace(app, memories=cast("MemoryStore", ChangedAfterListing(app.memories, others)))
    assert (await forget(beset, LOCAL, MONTH, EVERYTHING, dry_run=False)).ids == ("idle",)
    assert set(await records(app, *given)) == {"used", "changed", "pinned"}


async def test_deleting_by_id_counts_what_there_was(app: Application) -> None:
    await remember(app, LOCAL, [memory("a", user_id="ana"), memory("b", user_id="bob")])
    assert await delete(app, caller(users=["ana"]), ["a", "a", "b", "x"]) == 1
    assert await delete(app, LOCAL, ["a"]) == 0
    assert await delete(app, LOCAL, []) == 0
    assert set(await records(app, "a", "b")) == {"b"}
