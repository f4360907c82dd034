"""Fields of many hashes in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import script
from agent_memory_server.adapters.redis.errors import translating

Values = Sequence[bytes | None]


class HashReader:
    """Reads the hashes of records. By a script: a client needs six times as long for as many commands of its own."""

    def __init__(self, client: Redis, *, prefix: str, fields: Sequence[str]) -> None:
        self._client = client
        self._prefix = prefix
        self._fields = [name.encode() for name in fields]
        self._script = script(client, "read_records")
        # The keys of a script lie in one slot of a cluster.
        self._apart = isinstance(client, RedisCluster)

    async def read(self, ids: Sequence[str]) -> list[Values]:
        """The fields of each record, None where one is absent. Raises: Unavailable."""
        return await self._run([keys.record(self._prefix, id_) for id_ in ids], [])

    async def read_with_access(self, ids: Sequence[str]) -> list[tuple[Values, Values]]:
        """The same, and the last access (`l`) that was noted beside the record and how many there were (`c`)."""
        records = [keys.record(self._prefix, id_) for id_ in ids]
        found = await self._run(records, [keys.access(record) for record in records])
        return list(zip(found[: len(ids)], found[len(ids) :], strict=True))

    async def _run(self, records: Sequence[str], accesses: Sequence[str]) -> list[Values]:
        if not records:
            return []
        with translating():
            if not self._apart:
                found: list[Any] = await self._script(
                    keys=[*records, *accesses], args=[str(len(records)), *self._fields]
                )
                return found
            async with self._client.pipeline(transaction=False) as pipe:
                for key in records:
                    pipe.execute_command("HMGET", key, *self._fields)
                for key in accesses:
                    pipe.execute_command("HMGET", key, b"l", b"c")
                return list(await pipe.execute())
