"""Whether searches know all memories: some keys are taken from every node, and the index is asked for these."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import cast

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.cluster_client import ClusterClient
from agent_memory_server.adapters.redis.connection import command, servers_of
from agent_memory_server.adapters.redis.coordination import coordinated
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.index import IndexOptions
from agent_memory_server.adapters.redis.shards import Shard, shards_of
from agent_memory_server.domain.finding import Finding, State

_SAMPLE = 200
"""Keys of each node."""

_PAGES = 50
"""Of a look through a node's keys that finds no more."""

_BROKEN = 0.1
"""Where so large a part is not found, the way of asking is at fault; of less, single records are."""


async def examine_search(client: Redis, options: IndexOptions) -> AsyncIterator[Finding]:
    """How this Redis is searched, and whether that finds what is there. Changes nothing. Raises: Unavailable."""
    way = await _way(client)
    if way:
        yield Finding("redis search", State.OK, way)
    sample = [key for _, server in await servers_of(client) for key in await _some(server, options.prefix)]
    if not sample:
        return
    known = await _known(client, options.name, sample)
    missing = [key for key in sample if key not in known]
    missing = [key for key in missing if await command(client, "EXISTS", key)]
    if not missing:
        yield Finding("searched memories", State.OK, f"the index knows all of {len(sample)} memories looked at")
        return
    detail = f"the index does not know {len(missing)} of {len(sample)} memories looked at"
    if way and len(missing) > _BROKEN * len(sample):
        remedy = "set REDIS_CLUSTER_SEARCH=shards and restart every server"
        yield Finding("searched memories", State.FAILED, f"{detail}: searches are not complete; {remedy}")
    else:
        yield Finding("searched memories", State.WARNING, f"{detail}; run `agent-memory migrate-memories`")


async def _way(client: Redis) -> str | None:
    """How a cluster is searched; None of one server."""
    cluster = cast("object", client)
    if not isinstance(cluster, ClusterClient):
        return None
    with translating():
        nodes = cluster.get_primaries()
    why = "" if cluster.search == "auto" else " (REDIS_CLUSTER_SEARCH)"
    if await coordinated(cluster, nodes):
        return f"one node is asked, whose coordinator asks the others{why}"
    return f"all {len(nodes)} primaries are asked, each for its own memories{why}"


async def _some(server: Redis, prefix: str) -> list[bytes]:
    """Some keys of memories on a node."""
    found: dict[bytes, None] = {}
    cursor = "0"
    for _ in range(_PAGES):
        pattern = f"{keys.literally(prefix)}:*"
        place, page = await command(server, "SCAN", cursor, "MATCH", pattern, "COUNT", "1000", "TYPE", "hash")
        found.update(dict.fromkeys(page))
        # Of a cluster the driver tells the place by node.
        cursor = str(int(next(iter(place.values())) if isinstance(place, dict) else place))
        if cursor == "0" or len(found) >= _SAMPLE:
            break
    return list(found)[:_SAMPLE]


async def _known(client: Redis, name: str, sample: Sequence[bytes]) -> set[bytes]:
    """Those of the keys that a search can find."""

    async def known(shard: Shard) -> list[bytes]:
        count = str(len(sample))
        reply = await command(
            shard.client, "FT.SEARCH", shard.name, "*", "INKEYS", count, *sample, "NOCONTENT", "LIMIT", "0", count,
            "DIALECT", "2",
        )  # fmt: skip
        return [row[b"id"] for row in reply[b"results"]]

    return {key for found in (await shards_of(client, name).ask(known)).answers for key in found}
