"""Walking over keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from redis.asyncio import Redis

from agent_memory_server.adapters.redis.errors import translating


async def pages(
    client: Redis, pattern: str, kind: Literal["hash", "string", "zset"], *, most: int
) -> AsyncIterator[list[bytes]]:
    """Every key of a kind that a pattern finds, at most so many at a time. A key that is there throughout is found, one
    that moves between nodes meanwhile perhaps twice. Raises: Unavailable."""
    page: list[bytes] = []
    with translating():
        async for key in client.scan_iter(match=pattern, count=1_000, _type=kind):
            page.append(key)
            if len(page) >= most:
                yield page
                page = []
    if page:
        yield page
