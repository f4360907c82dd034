"""Whether a cluster's nodes ask each other when one of them is searched: the coordinator of Redis 8.

Only what is certain counts as yes. No Redis 8 was at hand to try; what is told of it is from its documentation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from redis.asyncio import Redis

from agent_memory_server.adapters.redis.cluster_client import ClusterClient, Node, NodeClient
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.keys import SLOTS, tag_of_slot

_FROM = 8
"""The version of Redis from which on the Query Engine brings its coordinator."""

_COMMAND = "SEARCH.CLUSTERINFO"
"""Of the coordinator alone."""

_PROBED_SLOTS = 16
"""Names of so many slots, spread over all: some of them are another node's, whichever is asked."""


async def coordinated(client: ClusterClient, nodes: Sequence[Node]) -> bool:
    """Whether one node is asked for all. Unless the client says how: only where every node has the version and the
    command of a coordinator, and takes a question about an index whose name is in another node's slots.

    Raises: Unavailable.
    """
    if client.search != "auto":
        return client.search == "coordinator"
    return len(nodes) > 1 and all(await asyncio.gather(*(_coordinates(client, node) for node in nodes)))


async def _coordinates(client: ClusterClient, node: Node) -> bool:
    here = cast("Redis", NodeClient(client, node))
    server = await command(here, "INFO", "server")
    if int(str(server["redis_version"]).split(".")[0]) < _FROM:
        return False
    if not await command(here, "COMMAND LIST", "FILTERBY", "PATTERN", _COMMAND):
        return False
    return await takes_any_name(client, node)


async def takes_any_name(client: ClusterClient, node: Node) -> bool:
    """Whether a node lets itself be asked about any index, wherever the slot of its name is. Raises: Unavailable."""
    for slot in range(0, SLOTS, SLOTS // _PROBED_SLOTS):
        with translating():
            name = f"agent-memory-none{{{tag_of_slot(slot)}}}"
            if await client.refused_by(node, "FT.SEARCH", name, "*", "LIMIT", "0", "0") == "MOVED":
                return False
    return True
