"""Reading records, and changing them if they are still as they were read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.changes import KEPT
from agent_memory_server.adapters.redis.connection import script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.hashes import HashReader
from agent_memory_server.adapters.redis.record_fields import READ, Fields, Stored, stored_from

_AT_ONCE = 500
_READ_AT_ONCE = 200
"""Records that one script reads: a millisecond of Redis, which does nothing else meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change.

    expected: the revision that was read, None where no record was. fields: what to set, empty to delete the record.
    unique: a query for records with the same content, of which there may be no other by then. numbered: whether the
    record comes behind all others of its place in the order of storing.
    """

    id: str
    expected: int | None
    fields: Fields = field(default_factory=dict)
    drop: Sequence[str] = ()
    unique: str = ""
    forget_access: bool = False
    numbered: bool = False

    def arguments(self) -> list[str | bytes]:
        """As the script takes it."""
        words: list[str | bytes] = [self.id, self.fields.get("namespace", ""), self.fields.get("user_id", "")]
        words += ["" if self.expected is None else str(self.expected), self.unique]
        words += ["1" if self.forget_access else "0", "1" if self.numbered else "0", str(len(self.fields))]
        for name, value in self.fields.items():
            words += (name, value)
        return [*words, str(len(self.drop)), *self.drop]


class Records:
    """The hashes of one prefix."""

    def __init__(self, client: Redis, *, prefix: str, index: str) -> None:
        self._client = client
        self._prefix = prefix
        self._index = index
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

    async def change(self, steps: Sequence[Step]) -> bool:
        """Take all the steps at once, or none: False, when a record is not as expected any more."""
        if not steps:
            return True
        names, words = self.call_of(steps)
        with translating():
            return bool(await self._change(keys=names, args=words))

    def call_of(self, steps: Sequence[Step]) -> tuple[list[str], list[str | bytes]]:
        """Keys and words of the script `change_records` for these steps; none for none."""
        if not steps:
            return [], []
        names = [key for step in steps for key in self._keys(step.id)]
        return [*names, keys.CHANGES], [self._index, str(KEPT), *(word for step in steps for word in step.arguments())]

    async def note_access(self, ids: Sequence[str], *, at: float, interval_s: float, counted: bool) -> int:
        """Note an access to each record that is there; how many were old enough."""
        args = (repr(at), repr(interval_s), int(counted), str(KEPT))
        return await self._each(self._note, [((*self._keys(id_), keys.CHANGES), args) for id_ in ids])

    async def set_vectors(self, vectors: Sequence[tuple[str, int, bytes]]) -> int:
        """Fill in vectors by id and revision; how many records still had it."""
        calls = [((self._keys(id_)[0], keys.CHANGES), (str(rev), blob, str(KEPT))) for id_, rev, blob in vectors]
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
