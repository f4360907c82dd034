"""What Redis itself does for one append, a read of the last messages and a mark, in short and in long sessions.

Give it a Redis that may be emptied: python benchmarks/session_append.py redis://127.0.0.1:6379
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import command, open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.session_index import SessionOptions, ensure_session_index
from agent_memory_server.adapters.redis.session_store import RedisSessionStore
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, SessionKey

_KEY = SessionKey("team", "ann", "s")
_NOW = 1_700_000_000.0
_DIMENSIONS = 8


def _messages(first: int, count: int) -> list[Message]:
    return [
        Message(id=f"m{n}", role="user", content=f"turn {n} ".ljust(200, "x"), created_at=_NOW + n)
        for n in range(first, first + count)
    ]


async def _spent_us(client: Redis, times: int, step: Callable[[int], Awaitable[object]]) -> float:
    """Microseconds of Redis for one call of a step."""
    await step(0)  # the script is known from now on
    await command(client, "CONFIG", "RESETSTAT")
    for number in range(1, times + 1):
        await step(number)
    figures = await command(client, "INFO", "commandstats")
    return round(float(figures["cmdstat_evalsha"]["usec"]) / times, 1)


async def _measure(url: str, lengths: list[int], times: int) -> dict[str, dict[str, float]]:
    async with open_client(url) as client:
        await client.flushall()
        records, options = IndexOptions(dimensions=_DIMENSIONS), SessionOptions()
        await ensure_index(client, records)
        await ensure_session_index(client, options)
        store = RedisSessionStore(client, options, records)
        found = {}
        for length in lengths:
            key = replace(_KEY, session_id=f"s{length}")
            await store.append(EVERYWHERE, key, _messages(0, length), now=_NOW)

            async def append(number: int, key: SessionKey = key, length: int = length) -> None:
                await store.append(EVERYWHERE, key, _messages(length + number, 1), now=_NOW)

            async def last(_: int, key: SessionKey = key) -> None:
                await store.get(EVERYWHERE, key, now=_NOW, last=10)

            found[str(length)] = {
                "append_us": await _spent_us(client, times, append),
                "last_10_us": await _spent_us(client, times, last),
            }
            memory = await command(client, "MEMORY", "USAGE", f"working_memory:team:ann:{key.session_id}")
            found[str(length)]["document_bytes_per_message"] = round(memory / (length + times + 1), 1)
        return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--lengths", type=int, nargs="+", default=[10, 10_000])
    parser.add_argument("--times", type=int, default=300)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(_measure(options.url, options.lengths, options.times)), indent=2))


if __name__ == "__main__":
    main()
