"""Hashes under the keys of records that are none: without a text, or without an id."""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.scanning import pages

_AT_ONCE = 500


class Debris:
    """The hashes of one prefix that are no records. One that only lacks the id is a record: it goes by its key."""

    def __init__(self, client: Redis, *, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._drop = script(client, "drop_debris")

    async def find(self) -> list[str]:
        """Their keys. Raises: Unavailable."""
        found = []
        async for page in pages(self._client, f"{keys.literally(self._prefix)}:*", "hash", most=_AT_ONCE):
            async with self._client.pipeline(transaction=False) as pipe:
                for key in page:
                    pipe.execute_command("HMGET", key, "text", "id_")
                with translating():
                    rows = await pipe.execute()
            for key, (text, id_) in zip(page, rows, strict=True):
                name = key.decode("utf-8", "replace")
                if text is None or not (id_ or self._spells_id(name)):
                    found.append(name)
        return found

    async def drop(self, names: Sequence[str]) -> int:
        """Delete those that are no records still; how many. Raises: Unavailable."""
        dropped = 0
        for name in names:
            with translating():
                dropped += await self._drop(keys=[name, keys.access(name)], args=[int(self._spells_id(name))])
        return dropped

    def _spells_id(self, name: str) -> bool:
        return bool(keys.record_id(self._prefix, name))
