"""Reading records, and changing them if they are still as they were read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.apart import ApartChanges
from agent_memory_server.adapters.redis.changes import KEPT, ChangeWriter
from agent_memory_server.adapters.redis.connection import script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.hashes import HashReader
from agent_memory_server.adapters.redis.record_fields import READ, Stored, stored_from
from agent_memory_server.adapters.redis.step import Step

_AT_ONCE = 500
_READ_AT_ONCE = 200
"""Records that one script reads: a millisecond of Redis, which does nothing else meanwhile."""


class Records:
    """The hashes of one prefix."""

    def __init__(self, client: Redis, *, prefix: str, index: str) -> None:
        self._client = client
        self._prefix = prefix
        self._index = index
        self._stream = ChangeWriter(client)
        self._apart = ApartChanges(client, self._keys) if self._stream.apart else None
        self._reader = HashReader(client, prefix=prefix, fields=READ)
        self._vectors = HashReader(client, prefix=prefix, fields=("vector",))
        self._change = script(client, "change_records")
        self._note = script(client, "note_access")
        self._embed = script(client, "set_vector")
        self._compared = script(client, "mark_compared")

    async def read(self, ids: Iterable[str]) -> dict[str, Stored]:
        """The records that are there, by id, in the order of the ids."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Stored] = {}
        for start in range(0, len(wanted), _READ_AT_ONCE):
            page = wanted[start : start + _READ_AT_ONCE]
            for id_, (values, access) in zip(page, await self._reader.read_with_access(page), strict=True):
                stored = stored_from(values, access)
                if stored is not None:
                    found[id_] = stored
        return found

    async def read_vectors(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The vectors that are there, by id."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, bytes] = {}
        for start in range(0, len(wanted), _READ_AT_ONCE):
            page = wanted[start : start + _READ_AT_ONCE]
            for id_, (blob,) in zip(page, await self._vectors.read(page), strict=True):
                if blob is not None:
                    found[id_] = blob
        return found

    @property
    def apart(self) -> bool:
        """Whether each record is changed by a step of its own."""
        return self._stream.apart

    async def change(self, steps: Sequence[Step]) -> bool:
        """Take all the steps at once, or none: False, when a record is not as expected any more. On a cluster each
        record is a step of its own, and False means that not all were taken."""
        return not await self.change_each(steps)

    async def change_each(self, steps: Sequence[Step]) -> frozenset[str]:
        """Take the steps; the ids of those that were not taken: on one server none or all."""
        if not steps:
            return frozenset()
        if self._apart is not None:
            return await self._apart.change(steps)
        names, words = self.call_of(steps)
        with translating():
            done = await self._change(keys=names, args=words)
        return frozenset() if done else frozenset(step.id for step in steps)

    def call_of(self, steps: Sequence[Step]) -> tuple[list[str], list[str | bytes]]:
        """Keys and words of the script `change_records` for these steps; none for none."""
        if not steps:
            return [], []
        names = [key for step in steps for key in self._keys(step.id)]
        return [*names, keys.CHANGES], [self._index, str(KEPT), *(word for step in steps for word in step.arguments())]

    async def note_access(self, ids: Sequence[str], *, at: float, interval_s: float, counted: bool) -> int:
        """Note an access to each record that is there; how many were old enough."""
        args = (repr(at), repr(interval_s), int(counted), str(KEPT))
        noted = await self._each(self._note, [((*self._keys(id_), *self._stream.keys), args) for id_ in ids])
        await self._stream.tell_accesses(ids)
        return noted

    async def set_vectors(self, vectors: Sequence[tuple[str, int, bytes]]) -> int:
        """Fill in vectors by id and revision; how many records still had it."""
        stream = self._stream
        calls = [((self._keys(id_)[0], *stream.keys), (str(rev), blob, str(KEPT))) for id_, rev, blob in vectors]
        async with stream.around((id_, None) for id_, _, _ in vectors):
            return await self._each(self._embed, calls)

    async def mark_compared(self, records: Sequence[tuple[str, int]]) -> int:
        """Note that records were compared, by id and revision; how many still had it."""
        return await self._each(self._compared, [(self._keys(id_)[:1], (str(rev),)) for id_, rev in records])

    async def _each(self, run: object, calls: Sequence[tuple[Sequence[str], Sequence[object]]]) -> int:
        """A script for each of (keys, arguments), in pipelines; the sum of the answers."""
        total = 0
        for start in range(0, len(calls), _AT_ONCE):
            async with self._client.pipeline(transaction=False) as pipe:
                for names, args in calls[start : start + _AT_ONCE]:
                    await run(keys=list(names), args=list(args), client=pipe)  # type: ignore[operator]
                with translating():
                    total += sum(await pipe.execute())
        return total

    def _keys(self, id_: str) -> tuple[str, str]:
        record = keys.record(self._prefix, id_)
        return record, keys.access(record)
