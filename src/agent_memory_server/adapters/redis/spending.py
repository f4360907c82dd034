"""What chat models have cost, in Redis."""

from __future__ import annotations

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command

_KEPT_S = 31 * 86_400


class RedisSpending:
    """`Spending` over one counter per day; the last month is kept."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def spent(self, day: str) -> int:
        """Tokens spent on that day."""
        return int(await command(self._client, "GET", keys.chat_tokens(day)) or 0)

    async def add(self, day: str, tokens: int) -> int:
        """Add to a day's sum; the sum after it."""
        total = int(await command(self._client, "INCRBY", keys.chat_tokens(day), tokens))
        await command(self._client, "EXPIRE", keys.chat_tokens(day), _KEPT_S)
        return total
