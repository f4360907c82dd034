"""Changes of records on a cluster, where no step reaches beyond one slot.

Each record is changed by a step of its own, if it is as it was read; an order of the steps sees to it that whatever is
cut off leaves nothing wrong: an earlier version is there before the newer one, what takes others' place before these
go, and a record that is deleted goes after all that belongs to it. What failed is told, and done again.

The stream of changes lies in another slot than most records. So an entry announces each change before it, and another
settles it after: whoever follows reads an announced record again and again until it is settled (`block_cache`), and so
misses nothing of a process that dies in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.changes import ChangeWriter
from agent_memory_server.adapters.redis.connection import command, script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.step import Step

_AT_ONCE = 200


def _stage(step: Step) -> int:
    """When its turn is: the lowest first."""
    if step.last:
        return 3
    if not step.fields:
        return 2
    superseded = bool(step.fields.get("superseded_by_"))
    return (0 if step.expected is None else 2) if superseded else 1


def _place(step: Step) -> tuple[str | bytes, str | bytes] | None:
    return (step.fields["namespace"], step.fields["user_id"]) if step.fields else None


class ApartChanges:
    """Changes records one by one. keys_of: a record's key and that of its noted access, by id."""

    def __init__(self, client: Redis, keys_of: Callable[[str], tuple[str, str]]) -> None:
        self._client = client
        self._stream = ChangeWriter(client)
        self._keys_of = keys_of
        self._change = script(client, "change_records")

    async def change(self, steps: Sequence[Step]) -> frozenset[str]:
        """Take the steps; the ids of those that were not taken, because a record is not as expected or because an
        earlier step was not taken."""
        left = list(steps)
        failed: set[str] = set()
        await self._tell_deleted([step.id for step in steps if not step.fields])
        for stage in sorted({_stage(step) for step in steps}):
            now = [step for step in left if _stage(step) == stage]
            left = [step for step in left if _stage(step) != stage]
            for start in range(0, len(now), _AT_ONCE):
                failed |= await self._take(now[start : start + _AT_ONCE])
            if failed:
                break
        return frozenset(failed | {step.id for step in left}) if failed else frozenset()

    async def _tell_deleted(self, ids: Sequence[str]) -> None:
        """What completes the work of a process that died (`owing`) must not bring back what is deleted now."""
        if ids and await command(self._client, "ZCARD", keys.OWING):
            now = repr(time.time())
            await command(self._client, "ZADD", keys.OWING_GONE, *(word for id_ in ids for word in (now, id_)))

    async def _take(self, steps: Sequence[Step]) -> set[str]:
        told = [(step.id, _place(step)) for step in steps]
        async with self._stream.around(told) as numbers, self._client.pipeline(transaction=False) as pipe:
            for step, number in zip(steps, numbers, strict=True):
                # Whether equal content is there was asked before: no script sees all shards.
                words = replace(step, unique="").arguments(number=number)
                await self._change(keys=list(self._keys_of(step.id)), args=["", "", *words], client=pipe)
            with translating():
                done = await pipe.execute()
        return {step.id for step, taken in zip(steps, done, strict=True) if not taken}
