"""The contract of `ViewStore`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_memory_server.adapters.redis.view_store import RedisViewStore
from agent_memory_server.adapters.sqlite.view_store import SqliteViewStore
from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.filters import Filter, Match, Op, TagField, TextField, TimeField, TimeNot, TimeRange
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.view import Partition, Task, TaskStatus, View
from agent_memory_server.ports.view_store import ViewStore

VIEW = View(
    id="v1",
    name="per user",
    group_by=("user_id", "namespace"),
    filters={"topics": ["a"], "memory_type": "semantic"},
    filter=Filter(
        (
            Match(TagField.TOPICS, Op.ALL, ("a", "b")),
            Match(TextField.MEMORY_TYPE, Op.ANY, ("semantic",)),
            TimeRange(field=TimeField.EVENT_DATE, low=1.5, high_inclusive=False),
            TimeNot(TimeField.CREATED_AT, 2.0),
        )
    ),
    time_window_days=7,
    continuous=True,
    prompt="p",
    model_name="m",
    scope=Scope(None, frozenset({"ana", "é|,"})),
)
TASK = Task(id="t1", view_id="v1", created_at=1.0)


@pytest.fixture(params=["sqlite", "redis"])
def views(request: pytest.FixtureRequest) -> ViewStore:
    if request.param == "sqlite":
        return SqliteViewStore(request.getfixturevalue("database"))
    return RedisViewStore(request.getfixturevalue("client"))


def summary(of: str, text: str = "text") -> Partition:
    return Partition(view_id="v1", group={"user_id": of}, summary=text, memory_count=3, computed_at=2.5)


async def test_a_view_comes_back_as_it_was_stored(views: ViewStore) -> None:
    await views.add(VIEW)
    assert await views.find("v1") == VIEW
    assert await views.find("v2") is None
    await views.add(replace(VIEW, id="v0"))
    assert [view.id for view in await views.list()] == ["v0", "v1"]


async def test_an_id_is_given_once(views: ViewStore) -> None:
    await views.add(VIEW)
    with pytest.raises(Conflict):
        await views.add(replace(VIEW, name="other"))
    assert await views.find("v1") == VIEW


async def test_a_group_keeps_its_latest_summary(views: ViewStore) -> None:
    await views.add(VIEW)
    assert await views.put_partition(summary("ana", "old"))
    assert await views.put_partition(summary("ben"))
    assert await views.put_partition(summary("ana", "new"))
    assert await views.partitions("v1") == [summary("ana", "new"), summary("ben")]


async def test_deleting_a_view_deletes_its_summaries_and_none_comes_back(views: ViewStore) -> None:
    await views.add(VIEW)
    await views.put_partition(summary("ana"))
    assert await views.delete("v1")
    assert not await views.delete("v1")
    assert not await views.put_partition(summary("ana"))
    await views.add(VIEW)
    assert await views.partitions("v1") == []


async def test_a_task_is_kept_until_its_time_is_over(views: ViewStore) -> None:
    await views.put_task(TASK, expires_at=100.0)
    done = replace(TASK, status=TaskStatus.SUCCESS, started_at=2.0, completed_at=3.0)
    assert await views.unfinished_tasks(now=5.0) == [TASK]
    await views.put_task(done, expires_at=200.0)
    assert await views.find_task("t1", now=199.0) == done
    assert await views.unfinished_tasks(now=5.0) == []
    assert await views.find_task("t1", now=200.0) is None
    assert await views.purge_tasks(now=200.0) == 1
    assert await views.purge_tasks(now=200.0) == 0
