"""Remembering what was deleted, so that no extraction brings it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.records_script import RecordsScript
from agent_memory_server.adapters.redis.step import Step
from agent_memory_server.domain.burial import Remains, known_again, remains
from agent_memory_server.domain.memory import Memory

BURIED_KEPT = 200_000
"""Digests kept in a database, 150 bytes or so each; the oldest go first."""

_SOURCE = 16
_EXACT = 8
"""Bytes kept of the two digests: enough to tell 200,000 apart."""


def _name(one: Remains) -> bytes:
    return one.source[:_SOURCE] + one.exact[:_EXACT]


def _member(one: Remains) -> bytes:
    return _name(one) + np.array(sorted(one.codes), "<u2").tobytes()


class Burials:
    """What is left of deleted records."""

    def __init__(self, client: Redis, records: Records) -> None:
        self._client = client
        self._records = records
        self._bury = RecordsScript(client, "bury_records", records)

    async def bury(self, steps: Sequence[Step], gone: Iterable[Memory]) -> frozenset[str]:
        """Take steps that delete records, and keep what is left of these; the ids of those that were not taken. All at
        once or nothing; on a cluster what is left is kept first, so that nothing deleted comes back."""
        if not steps:
            return frozenset()
        left = [_member(one) for memory in gone for one in remains(memory)]
        names = [keys.BURIED, keys.BURIED_ORDER, keys.BURIED_NUMBER]
        words = [BURIED_KEPT, len(left), *left]
        if self._records.apart:
            await self._bury(names, words, ())
            return await self._records.change_each(steps)
        done = await self._bury(names, words, steps)
        return frozenset() if done else frozenset(step.id for step in steps)

    async def number(self) -> bytes:
        """How often something was buried: what was read of burials holds while it stays the same."""
        found = await command(self._client, "GET", keys.BURIED_NUMBER)
        return bytes(found or b"0")

    async def is_buried(self, memory: Memory) -> bool:
        """Whether a record that says this was read out of one of the same messages, and deleted."""
        left = list(remains(memory))
        if not left:
            return False
        async with self._client.pipeline(transaction=False) as pipe:
            for one in left:
                name = _name(one)
                pipe.execute_command("ZRANGEBYLEX", keys.BURIED, b"[" + name, b"[" + name + b"\xff" * 512)
            with translating():
                found = await pipe.execute()
        return any(
            known_again(one, Remains(one.source, one.exact, _codes(member)))
            for one, members in zip(left, found, strict=True)
            for member in members
        )


def _codes(member: bytes) -> frozenset[int]:
    return frozenset(np.frombuffer(member[_SOURCE + _EXACT :], "<u2").tolist())
