"""What `doctor` tells of searches: how a cluster is asked, and whether all memories are known to the index."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.cluster_client import ClusterClient, ClusterSearch
from agent_memory_server.adapters.redis.completeness import examine_search
from agent_memory_server.adapters.redis.connection import command, open_client
from agent_memory_server.adapters.redis.coordination import coordinated, takes_any_name
from agent_memory_server.adapters.redis.index import IndexOptions, create_index, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.finding import State
from agent_memory_server.domain.scope import EVERYWHERE
from tests.contract.memories import DIMENSIONS, NOW, write
from tests.support.redis_cluster import Cluster, redis_cluster, slot_of

OPTIONS = IndexOptions(dimensions=DIMENSIONS)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    with redis_cluster() as running:
        yield running


@asynccontextmanager
async def _filled(url: str, *, search: ClusterSearch = "auto") -> AsyncIterator[Redis]:
    async with open_client(url, cluster_search=search) as client:
        await ensure_index(client, OPTIONS)
        await RedisMemoryStore(client, OPTIONS).put(EVERYWHERE, [write(f"m{n}") for n in range(90)], now=NOW)
        yield client


async def _told(client: Redis) -> dict[str, tuple[State, str]]:
    return {one.name: (one.state, one.detail) async for one in examine_search(client, OPTIONS)}


async def test_of_one_server_some_memories_are_looked_for_in_the_index(redis_url: str) -> None:
    async with open_client(redis_url) as client:
        await client.flushall()
        await ensure_index(client, OPTIONS)
        assert "searched memories" not in await _told(client)
    async with _filled(redis_url) as client:
        told = await _told(client)
        assert told["searched memories"] == (State.OK, "the index knows all of 90 memories looked at")
        # What no index can take: another number of bytes for a vector.
        await command(client, "HSET", "memory_idx:m1", "vector", b"\0" * 3)
        state, detail = (await _told(client))["searched memories"]
        assert (state, detail.partition(";")[0]) == (
            State.WARNING,
            "the index does not know 1 of 90 memories looked at",
        )


async def test_a_cluster_without_a_coordinator_is_asked_node_by_node_and_that_is_told(nodes: Cluster) -> None:
    nodes.empty()
    async with _filled(nodes.url) as client:
        cluster = cast("ClusterClient", client)
        assert not await coordinated(cluster, cluster.get_primaries())
        assert not any([await takes_any_name(cluster, node) for node in cluster.get_primaries()])
        told = await _told(client)
    assert told["redis search"] == (State.OK, "all 3 primaries are asked, each for its own memories")
    assert told["searched memories"] == (State.OK, "the index knows all of 90 memories looked at")


async def test_asking_one_node_of_a_cluster_whose_nodes_do_not_ask_each_other_is_seen(nodes: Cluster) -> None:
    nodes.empty()
    async with open_client(nodes.url, cluster_search="coordinator") as client:
        await create_index(client, OPTIONS)
        await RedisMemoryStore(client, OPTIONS).put(EVERYWHERE, [write(f"m{n}") for n in range(90)], now=NOW)
        told = await _told(client)
    assert told["redis search"][1].endswith("whose coordinator asks the others (REDIS_CLUSTER_SEARCH)")
    state, detail = told["searched memories"]
    assert state is State.FAILED
    assert "set REDIS_CLUSTER_SEARCH=shards" in detail


async def test_where_several_nodes_have_an_index_of_one_name_different_memories_are_counted(nodes: Cluster) -> None:
    """A coordinator that was not recognized would make such indexes, and each would tell everything."""
    nodes.empty()
    async with _filled(nodes.url, search="shards") as client:
        (name,) = [one for one in nodes.indexes(nodes.primaries[0]) if one.startswith(OPTIONS.name)]
        slot = slot_of(name)
        nodes.move(slot, nodes.primaries[1])
        await create_index(client, IndexOptions(dimensions=DIMENSIONS, name=name))
        nodes.move(slot, nodes.primaries[0])
        assert all(name in nodes.indexes(node) for node in nodes.primaries[:2])
    async with open_client(nodes.url, cluster_search="shards") as client:
        store = RedisMemoryStore(client, OPTIONS)
        assert (await store.stats()).memories == 90
        page = await store.list(EVERYWHERE, EVERYTHING, limit=100)
        assert (page.total, len({memory.id for memory in page.memories})) == (90, 90)
