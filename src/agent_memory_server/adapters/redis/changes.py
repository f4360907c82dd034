"""The stream of changes: what each process follows to know which records it holds in memory are out of date.

Every script that stores, changes or deletes a record appends the record's id and place in the same step (on a cluster
see `apart`), so whoever has read the stream to its end has seen whatever was acknowledged before, anywhere. The stream
is bounded; a reader whose last entry is gone (trimmed, or of a database that was emptied, restored or lost its last
writes) is told so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.cluster_client import ClusterClient
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.errors import translating

KEPT = 20_000
"""Changes that are kept at least: about 1.5 MB."""

_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Change:
    """A record that was stored in a place (namespace, user), or deleted (None). access: it was only read.

    announces: this entry's own id, of a change that is about to happen; settles: the entry that announced this one
    (`apart`). Both "" of an entry that was written with the change.
    """

    id: str
    place: tuple[str, str] | None
    access: bool = False
    announces: str = ""
    settles: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read. position: the last entry's id, "" of an empty stream; changes: None where some may be missing;
    more: whether there may be further ones."""

    position: str
    changes: Sequence[Change] | None
    more: bool = False


async def read_changes(client: Redis, position: str | None) -> Read:
    """Changes behind a position; from None on, only where the stream ends. Raises: Unavailable."""
    if not position:
        newest = await command(client, "XREVRANGE", keys.CHANGES, "+", "-", "COUNT", "1")
        end = newest[0][0].decode() if newest else ""
        return Read(end, [] if position == end else None)
    # The entry itself is asked for as well: that it is still there proves that nothing before was missed.
    found = await command(client, "XRANGE", keys.CHANGES, position, "+", "COUNT", str(_AT_ONCE + 1))
    if not found or found[0][0].decode() != position:
        return Read("", None)
    changes = [_change(entry.decode(), fields) for entry, fields in found[1:]]
    return Read(found[-1][0].decode(), changes, more=len(found) > _AT_ONCE)


def _change(entry: str, fields: Any) -> Change:
    values = dict(zip(fields[::2], fields[1::2], strict=True)) if isinstance(fields, list) else fields
    id_ = values[b"i"].decode()
    place = (values[b"n"].decode(), values[b"u"].decode()) if b"n" in values else None
    announces = entry if b"b" in values else ""
    settles = values.get(b"e", b"").decode()
    return Change(id_, place, access=b"a" in values, announces=announces, settles=settles)


Told = tuple[str, tuple[Any, Any] | None]
"""Id and place of a record that is about to change; None: its place is not known."""


class ChangeWriter:
    """What whoever changes records has to tell the stream. keys: the stream, for scripts that tell it themselves; none
    on a cluster, where it is told around the change."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self.apart = isinstance(cast("object", client), ClusterClient)
        self.keys = [] if self.apart else [keys.CHANGES]

    @asynccontextmanager
    async def around(self, told: Iterable[Told]) -> AsyncIterator[Sequence[str]]:
        """Announce changes before, and settle them after; the ids of the entries that announced them, none on one
        server. Of a failure nothing is known, so nothing is settled."""
        if not self.apart:
            yield []
            return
        changes = list(told)
        words = [(id_, *(("n", place[0], "u", place[1]) if place else ())) for id_, place in changes]
        begun = await self._tell([(*one, "b", "1") for one in words])
        yield begun
        await self._tell([(*one, "e", entry) for one, entry in zip(words, begun, strict=True)])

    async def tell_accesses(self, ids: Iterable[str]) -> None:
        """Tell that records were read, where the script that noted it could not. What a failure keeps from being told
        is seen a little later."""
        if self.apart:
            await self._tell([(id_, "a", "1") for id_ in ids])

    async def _tell(self, entries: Iterable[Sequence[Any]]) -> list[str]:
        async with self._client.pipeline(transaction=False) as pipe:
            for id_, *words in entries:
                pipe.execute_command("XADD", keys.CHANGES, "MAXLEN", "~", KEPT, "*", "i", id_, *words)
            with translating():
                return [entry.decode() for entry in await pipe.execute()]
