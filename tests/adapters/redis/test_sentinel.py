"""A Redis that sentinels watch: when it dies its replica takes over, and the client carries on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import Limits, command, open_client
from agent_memory_server.domain.errors import MemoryServerError
from tests.support.redis_sentinel import Watched, watched
from tests.support.redis_server import BOUND_S

PASSWORD = "of the server"


@pytest.fixture
def redis() -> Iterator[Watched]:
    with watched("--save", "", sentinels=1, password=PASSWORD, of_the_sentinels="of-the-sentinel") as started:
        yield started


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


async def test_the_client_carries_on_with_the_server_that_takes_over(redis: Watched) -> None:
    async with open_client(redis.url, Limits(connections=5, retries=1)) as client:
        await asyncio.gather(*(command(client, "SET", f"before-{n}", "1") for n in range(20)))
        assert await command(client, "WAIT", "1", "5000") == 1
        redis.primary.kill()
        await _stored(client, "after")
        assert await command(client, "ROLE") is not None
        found = await command(client, "MGET", "after", *(f"before-{n}" for n in range(20)))
        assert found == [b"1"] * 21
    assert redis.replica.client.exists("after")
