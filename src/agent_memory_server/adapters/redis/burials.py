"""Remembering what was deleted, so that no extraction brings it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command, script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.records import Records, Step
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
        self._bury = script(client, "bury_records", changes_records=True)

    async def bury(self, steps: Sequence[Step], gone: Iterable[Memory]) -> bool:
        """Take steps that delete records, and keep what is left of these, all at once or nothing: False, when a record
        is not as expected any more."""
        if not steps:
            return True
        left = [_member(one) for memory in gone for one in remains(memory)]
        names, words = self._records.call_of(steps)
        with translating():
            done = await self._bury(
                keys=[keys.BURIED, keys.BURIED_ORDER, keys.BURIED_NUMBER, *names],
                args=[BURIED_KEPT, len(left), *left, *words],
            )
        return bool(done)

    async def number(self) -> bytes:
        """How often something was buried: what was read of burials holds while it stays the same."""
        found = await command(self._client, "GET", keys.BURIED_NUMBER)
        return bytes(found or b"0")

    async def is_buried(self, memory: Memory) -> bool:
        """Whether a record that says this was read out of one of the same messages, and deleted."""
        for one in remains(memory):
            name = _name(one)
            found = await command(self._client, "ZRANGEBYLEX", keys.BURIED, b"[" + name, b"[" + name + b"\xff" * 512)
            for member in found:
                codes = frozenset(np.frombuffer(member[len(name) :], "<u2").tolist())
                if known_again(one, Remains(one.source, one.exact, codes)):
                    return True
        return False
