"""The stream of changes: what each process follows to know which records it holds in memory are out of date.

Every script that stores, changes or deletes a record appends the record's id and place in the same step, so whoever has
read the stream to its end has seen whatever was acknowledged before, anywhere. The stream is bounded; a reader whose
last entry is gone (trimmed, or of a database that was emptied, restored or lost its last writes) is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command

KEPT = 20_000
"""Changes that are kept at least: about 1.5 MB."""

_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Change:
    """A record that was stored in a place (namespace, user), or deleted (None). access: it was only read."""

    id: str
    place: tuple[str, str] | None
    access: bool = False


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
    changes = [_change(fields) for _, fields in found[1:]]
    return Read(found[-1][0].decode(), changes, more=len(found) > _AT_ONCE)


def _change(fields: Any) -> Change:
    values = dict(zip(fields[::2], fields[1::2], strict=True)) if isinstance(fields, list) else fields
    id_ = values[b"i"].decode()
    if b"a" in values:
        return Change(id_, None, access=True)
    if b"n" not in values:
        return Change(id_, None)
    return Change(id_, (values[b"n"].decode(), values[b"u"].decode()))
