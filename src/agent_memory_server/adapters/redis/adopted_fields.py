"""What a record that another server wrote lacks for our queries. Pure: fields in, fields to set and to drop out.

Nothing that the other server wrote is lost. Beside the fields of ours (`record_fields`), an id and a content hash where
there is none, only what keeps the record out of the index changes: a time that is no number of seconds, a count that is
no number, a vector of another length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent_memory_server.adapters.redis import stems
from agent_memory_server.adapters.redis.exact import FIELD
from agent_memory_server.adapters.redis.record_fields import READ, Fields, fields_of, stored_from

GUARDED = ("text", "updated_at", "memory_hash", "topics", "entities")
"""Fields that tell whether the other server changed a record while it was being adopted."""

_OTHERWISE_OURS = ("id_", "revision_", "lists_")
"""Fields that tell more than a query needs: the id, that we wrote the whole record, and lists that only we can keep."""

_ALWAYS_THERE = ("created_at", "updated_at", "last_accessed")
_AT_TIMES = ("persisted_at", "event_date", "access_count")
_NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The change that adopts a record. id: what it goes by."""

    id: str
    fields: Fields = field(default_factory=dict)
    drop: Sequence[str] = ()


def renewed(found: Sequence[bytes | None]) -> Adopted | None:
    """How to give a record of ours that an older version wrote what it is searched by now; None for debris.

    found: the fields of READ, in its order.
    """
    stored = stored_from(found, (None, None))
    if stored is None:
        return None
    as_we_write = fields_of(stored.memory)
    return Adopted(id=stored.memory.id, fields={name: as_we_write[name] for name in (FIELD, stems.FIELD)})


def adopted(found: Sequence[bytes | None], *, id_: str, vector_bytes: int, expected_bytes: int) -> Adopted | None:
    """How to adopt a record; None for debris: a hash without a text, or without any id.

    found: the fields of READ, in its order. id_: what its key says. vector_bytes: the length of its vector, 0 for none.
    """
    values = dict(zip(READ, found, strict=True))
    named = bool(values["id_"])
    if not named:
        values["id_"] = id_.encode()
    stored = stored_from(list(values.values()), (None, None))
    if stored is None or not stored.memory.id:
        return None
    as_we_write = fields_of(stored.memory)
    fields: Fields = {
        name: value for name, value in as_we_write.items() if name.endswith("_") and name not in _OTHERWISE_OURS
    }
    drop: list[str] = []
    if not named:
        fields["id_"] = stored.memory.id
    if not values["memory_hash"]:  # by which records of equal content are found
        fields["memory_hash"] = as_we_write["memory_hash"]
    for name in (*_ALWAYS_THERE, *_AT_TIMES):
        raw = values[name]
        if raw is not None and _NUMBER.match(raw):
            continue
        # A time that is missing or unreadable reads as now; from here on it stays what it is.
        if name in as_we_write and (raw is not None or name in _ALWAYS_THERE):
            fields[name] = as_we_write[name]
        elif raw is not None:
            drop.append(name)
    if vector_bytes != expected_bytes:
        fields["owed_"] = "1"
        drop += ["vector"] if vector_bytes else []
    return Adopted(id=stored.memory.id, fields=fields, drop=drop)
