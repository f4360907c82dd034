"""Summary views in Redis: in the reference server's form, and those that it left there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.view_store import RedisViewStore
from agent_memory_server.domain.filters import Filter, Match, Op, TextField
from agent_memory_server.domain.view import Partition, Task, View
from tests.support.reference_database import ReferenceDatabase

PARTITION = Partition(view_id="v", group={"user_id": "a|b"}, summary="s", memory_count=1, computed_at=2.5)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with open_client(redis_url) as opened:
        await opened.flushall()
        yield opened


@pytest.fixture
def views(client: Redis) -> RedisViewStore:
    return RedisViewStore(client)


async def members(client: Redis, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await client.get(key) or "")
    return found


async def test_views_partitions_and_tasks_lie_where_the_reference_server_has_them(
    client: Redis, views: RedisViewStore
) -> None:
    await views.add(View(id="v", group_by=("user_id",)))
    await views.put_partition(PARTITION)
    await views.put_task(Task(id="t", view_id="v", created_at=1.0), expires_at=9.0)
    assert await client.smembers("summary_view:index") == {b"v"}
    view = await members(client, "summary_view:v:config")
    assert (view["source"], view["group_by"], view["filters"]) == ("long_term", ["user_id"], {})
    partition = await members(client, "summary_view:v:summary:user_id=a%7Cb")
    assert (partition["group"], partition["computed_at"]) == ({"user_id": "a|b"}, "1970-01-01T00:00:02.500000+00:00")
    assert (await members(client, "task:t"))["status"] == "pending"
    assert 0 < await client.ttl("task:t") <= 604_800


async def test_a_view_of_the_reference_server_is_served_with_its_summaries(
    client: Redis, views: RedisViewStore
) -> None:
    await ReferenceDatabase(client).add_surroundings()
    assert [view.id for view in await views.list()] == ["v1"]
    assert [partition.summary for partition in await views.partitions("v1")] == ["likes tea"]
    assert await views.delete("v1")
    assert await client.keys("summary_view:*") == []


@pytest.mark.parametrize(
    ("filters", "conditions"),
    [
        ({"user_id": "ana"}, (Match(TextField.USER_ID, Op.ANY, ("ana",)),)),
        ({"namespace": ["a", "b"]}, (Match(TextField.NAMESPACE, Op.ANY, ("a", "b")),)),
        ({}, ()),
    ],
)
async def test_filters_of_a_view_of_the_reference_server_mean_what_they_meant(
    client: Redis, views: RedisViewStore, filters: dict[str, Any], conditions: tuple[Match, ...]
) -> None:
    await client.set(keys.view("v"), json.dumps({"id": "v", "filters": filters}))
    found = await views.find("v")
    assert found is not None
    assert found.filter == Filter(conditions)


@pytest.mark.parametrize("filters", [{"unknown": "x"}, {"user_id": 5}, {"user_id": ["a", 5]}])
async def test_a_view_whose_filters_are_not_understood_is_not_served_without_them(
    client: Redis, views: RedisViewStore, filters: dict[str, Any]
) -> None:
    await client.set(keys.view("v"), json.dumps({"id": "v", "filters": filters}))
    await client.sadd(keys.VIEWS, "v")
    assert await views.find("v") is None
    assert list(await views.list()) == []


async def test_a_view_whose_id_is_a_pattern_reaches_no_other(client: Redis, views: RedisViewStore) -> None:
    await views.add(View(id="v"))
    await views.put_partition(PARTITION)
    await client.set(keys.view("*"), json.dumps({"id": "*"}))
    assert await views.delete("*")
    assert await views.partitions("v") == [PARTITION]
