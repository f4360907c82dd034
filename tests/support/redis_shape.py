"""Tests of Redis on one server and on a cluster (`TEST_REDIS_URL`): what they need to hold for both."""

from __future__ import annotations

import os

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import command, servers_of

on_one_server = pytest.mark.skipif(
    "cluster" in os.environ.get("TEST_REDIS_URL", ""),
    reason="tells of an index that the Redis Agent Memory Server made, which knows no cluster without a coordinator",
)


async def most_indexes(client: Redis) -> int:
    """How many search indexes there are on the node that has the most."""
    return max([len(await command(server, "FT._LIST")) for _, server in await servers_of(client)])


async def forget_traffic(client: Redis) -> None:
    """Begin to count what goes over the network."""
    for _, server in await servers_of(client):
        await command(server, "CONFIG", "RESETSTAT")


async def traffic(client: Redis) -> dict[str, int]:
    """Bytes that all nodes have sent and received since."""
    found = {"sent": 0, "received": 0}
    for _, server in await servers_of(client):
        info = await command(server, "INFO", "stats")
        found["sent"] += int(info["total_net_output_bytes"])
        found["received"] += int(info["total_net_input_bytes"])
    return found
