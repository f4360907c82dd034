"""What Redis itself does for one memory: to store it, to note that it was compared with others, and to change a field
of its hash that no index knows. Processor time of a Redis of its own, for memories of 20 words, 384 dimensions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Awaitable, Callable

import numpy as np

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command, open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.ports.memory_store import MemoryWrite
from benchmarks.redis_server import RunningRedis, redis_server

_DIMENSIONS = 384
_NOW = 1_700_000_000.0
_USERS = 50
_WORDS = [f"word{number}" for number in range(3_000)]
_STORED_AT_ONCE, _MARKED_AT_ONCE = 100, 64
"""As an import does, and as consolidation does."""


def _writes(first: int, count: int) -> list[MemoryWrite]:
    chance, vectors = random.Random(first), np.random.default_rng(first)
    writes = []
    for number in range(first, first + count):
        vector = vectors.standard_normal(_DIMENSIONS).astype(np.float32)
        text = " ".join(chance.choices(_WORDS, k=20))
        memory = Memory(
            id=f"m{number}",
            text=text,
            namespace="team",
            user_id=f"user{number % _USERS}",
            topics=("a", "b"),
            created_at=_NOW + number,
            updated_at=_NOW,
            last_accessed=_NOW,
        )
        writes.append(MemoryWrite(memory=memory, vector=vector / np.linalg.norm(vector)))
    return writes


async def _measured(redis: RunningRedis, stored: int, changed: int) -> dict[str, float]:
    async def spent(times: int, work: Callable[[], Awaitable[None]]) -> float:
        """Milliseconds of Redis for one of so many."""
        before = redis.cpu_s()
        await work()
        return round((redis.cpu_s() - before) / times * 1000, 3)

    async with open_client(redis.url) as client:
        options = IndexOptions(dimensions=_DIMENSIONS)
        await ensure_index(client, options)
        store = RedisMemoryStore(client, options)

        async def put() -> None:
            for first in range(0, stored, _STORED_AT_ONCE):
                await store.put(EVERYWHERE, _writes(first, _STORED_AT_ONCE), now=_NOW)

        async def mark() -> None:
            for first in range(0, changed, _MARKED_AT_ONCE):
                await store.mark_compared([(f"m{n}", 1) for n in range(first, min(first + _MARKED_AT_ONCE, changed))])

        async def change() -> None:
            for number in range(changed, 2 * changed):
                await command(client, "HSET", keys.record(options.prefix, f"m{number}"), "beside_", "1")

        async def elsewhere() -> None:
            for number in range(changed):
                await command(client, "HSET", f"beside:{number}", "beside_", "1")

        return {
            "store": await spent(stored, put),
            "note that it was compared": await spent(changed, mark),
            "change a field that no index knows": await spent(changed, change),
            "change a hash that no index knows": await spent(changed, elsewhere),
        }


def main() -> None:
    """Print milliseconds for one memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--changed", type=int, default=2_000, help="at most half of them")
    options = parser.parse_args()
    with redis_server() as redis:
        print(json.dumps(asyncio.run(_measured(redis, options.memories, options.changed)), indent=2))


if __name__ == "__main__":
    main()
