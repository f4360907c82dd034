"""A Redis that sentinels watch: when it dies its replica takes over, and the client carries on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import Limits, command, open_client
from agent_memory_server.domain.errors import MemoryServerError
from tests.support.redis_processes import Node, redis_processes, until
from tests.support.redis_server import BOUND_S

PASSWORD = "of the server"
WATCH = """\
sentinel monitor memory 127.0.0.1 {port} 1
sentinel auth-pass memory {password}
sentinel down-after-milliseconds memory 500
sentinel failover-timeout memory 2000
requirepass of-the-sentinel
"""


@dataclass
class Watched:
    primary: Node
    replica: Node
    url: str


@pytest.fixture
def watched() -> Iterator[Watched]:
    with redis_processes() as processes:
        secrets = ("--save", "", "--requirepass", PASSWORD, "--masterauth", PASSWORD)
        primary = processes.start(*secrets, password=PASSWORD)
        replica = processes.start(*secrets, "--replicaof", f"127.0.0.1 {primary.port}", password=PASSWORD)
        until(lambda: _asked(replica, "ROLE")[3] == b"connected", "the replica follows")
        text = WATCH.format(port=primary.port, password=f'"{PASSWORD}"')
        sentinel = processes.start("--sentinel", plain=True, file=text, password="of-the-sentinel")
        until(
            lambda: len(_asked(sentinel, "SENTINEL", "REPLICAS", "memory")) == 1,
            "the sentinel knows the replica",
        )
        credentials = PASSWORD.replace(" ", "%20")
        url = f"redis+sentinel://:{credentials}@{sentinel.name}/memory?sentinel_password=of-the-sentinel"
        yield Watched(primary, replica, url)


def _asked(node: Node, *words: str) -> Any:
    return node.client.execute_command(*words)  # type: ignore[no-untyped-call]


async def _stored(client: Redis, key: str) -> None:
    """Write as soon as somebody takes it."""
    end = time.monotonic() + BOUND_S
    while True:
        try:
            await command(client, "SET", key, "1")
        except MemoryServerError:
            assert time.monotonic() < end, "nobody takes over"
            await asyncio.sleep(0.05)
        else:
            return


async def test_the_client_carries_on_with_the_server_that_takes_over(watched: Watched) -> None:
    async with open_client(watched.url, Limits(connections=5, retries=1)) as client:
        await asyncio.gather(*(command(client, "SET", f"before-{n}", "1") for n in range(20)))
        assert await command(client, "WAIT", "1", "5000") == 1
        watched.primary.kill()
        await _stored(client, "after")
        assert await command(client, "ROLE") is not None
        found = await command(client, "MGET", "after", *(f"before-{n}" for n in range(20)))
        assert found == [b"1"] * 21
    assert watched.replica.client.exists("after")
