"""What chat models decided, in Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command, script
from agent_memory_server.adapters.redis.errors import translating

DEFAULT_ENTRIES = 200_000
"""At most: some 60 MB."""

_AT_ONCE = 256


class RedisDecisions:
    """`Decisions` over a hash bounded in entries. The entries stored longest ago go first: a read writes nothing."""

    def __init__(self, client: Redis, *, entries: int = DEFAULT_ENTRIES) -> None:
        self._client = client
        self._entries = entries
        self._keep = script(client, "keep_bounded")

    async def get(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """See `Decisions.get`."""
        if not digests:
            return {}
        found = await command(self._client, "HMGET", keys.DECISIONS, *digests)
        return {digest: said for digest, said in zip(digests, found, strict=True) if said is not None}

    async def keep(self, answers: Mapping[bytes, bytes]) -> None:
        """See `Decisions.keep`. Of more than fit the last ones stay."""
        values = [word for entry in answers.items() for word in entry]
        with translating():
            for start in range(0, len(values), 2 * _AT_ONCE):
                await self._keep(
                    keys=[keys.DECISIONS, keys.DECISION_ORDER, keys.DECISION_NUMBER],
                    args=[self._entries, *values[start : start + 2 * _AT_ONCE]],
                )
