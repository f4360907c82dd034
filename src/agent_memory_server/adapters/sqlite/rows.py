"""Records as rows of `memories`, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.filter_sql import listed
from agent_memory_server.adapters.sqlite.sql import fetch
from agent_memory_server.domain.memory import Memory, MemoryType, hash_of

COLUMNS = (
    "m.id, m.text, m.created_at, m.updated_at, m.last_accessed, s.namespace, s.user_id, m.session_id, m.memory_type,"
    " m.topics, m.entities, m.persisted_at, m.event_date, m.pinned, m.access_count, m.memory_hash, m.extracted,"
    " m.extraction_strategy, m.strategy_config, m.extracted_from, m.metadata, m.revision,"
    " m.superseded_by, m.superseded_because, m.valid_from, m.valid_until"
)
"""What `memory_from` reads, from `memories m JOIN scopes s ON s.scope = m.rid >> 24`."""

_encode = json.JSONEncoder(ensure_ascii=False).encode
TABLES = "memories m JOIN scopes s ON s.scope = m.rid >> 24"
_LOAD = (
    f"SELECT m.rid, {COLUMNS} FROM carray(?) a CROSS JOIN memories m ON m.rid = a.value"
    " JOIN scopes s ON s.scope = m.rid >> 24"
)


def json_list(values: Sequence[str]) -> str | None:
    """A list as it is stored: JSON, NULL when empty."""
    return _encode(list(values)) if values else None


def json_object(value: Mapping[str, Any]) -> str | None:
    """An object as it is stored: JSON, NULL when empty."""
    return _encode(dict(value)) if value else None


@lru_cache(maxsize=8192)
def _decoded(stored: str) -> tuple[str, ...]:
    return tuple(json.loads(stored))


def strings(stored: str | None) -> tuple[str, ...]:
    """A stored list. The same few lists of topics come back again and again."""
    return _decoded(stored) if stored else ()


_TYPES = {kind.value: kind for kind in MemoryType}  # calling the enumeration takes five times as long


class _Unfinished:
    """A record whose members are being set. A frozen one is made with a call for each of its 26 members, which takes
    four times as long, and ten of them are made for every search."""

    __slots__ = tuple(sorted(one.name for one in fields(Memory)))


def memory_from(row: Sequence[Any]) -> Memory:
    """The record of a row of COLUMNS."""
    made: Any = _Unfinished()
    (
        made.id,
        made.text,
        made.created_at,
        made.updated_at,
        made.last_accessed,
        made.namespace,
        made.user_id,
        made.session_id,
        memory_type,
        topics,
        entities,
        made.persisted_at,
        made.event_date,
        pinned,
        made.access_count,
        made.memory_hash,
        extracted,
        made.extraction_strategy,
        strategy_config,
        extracted_from,
        metadata,
        made.revision,
        made.superseded_by,
        made.superseded_because,
        made.valid_from,
        made.valid_until,
    ) = row
    made.memory_type = _TYPES[memory_type]
    made.topics = _decoded(topics) if topics else ()
    made.entities = _decoded(entities) if entities else ()
    made.pinned = pinned != 0
    made.discrete_memory_extracted = extracted != 0
    made.extraction_strategy_config = json.loads(strategy_config) if strategy_config else {}
    made.extracted_from = _decoded(extracted_from) if extracted_from else ()
    made.metadata = json.loads(metadata) if metadata else {}
    made.__class__ = Memory  # the same members in the same places: from here on it is frozen
    memory: Memory = made
    return memory


def stored_values(memory: Memory) -> tuple[Any, ...]:
    """The columns that a record decides by itself, in the order of the `insert` query (without rid, embedded, seq)."""
    # What lies in the past and what was said are neither compared nor labelled.
    untouched = memory.memory_type is MemoryType.MESSAGE or bool(memory.superseded_by)
    return (
        memory.id,
        memory.session_id,
        memory.memory_type.value,
        memory.extraction_strategy,
        memory.pinned,
        memory.discrete_memory_extracted,
        memory.revision,
        memory.access_count,
        memory.created_at,
        memory.updated_at,
        memory.last_accessed,
        memory.persisted_at,
        memory.event_date,
        memory.memory_hash or hash_of(memory),
        memory.text,
        json_list(memory.topics),
        json_list(memory.entities),
        json_list(memory.extracted_from),
        json_object(memory.extraction_strategy_config),
        json_object(memory.metadata),
        memory.superseded_by,
        memory.superseded_because,
        memory.valid_from,
        memory.valid_until,
        untouched,
        untouched or bool(memory.topics and memory.entities),
    )


def load(connection: apsw.Connection, rids: Sequence[int] | NDArray[np.int64]) -> dict[int, Memory]:
    """The records with these row ids, by row id, in one statement; those that are gone are left out."""
    if not len(rids):
        return {}
    array = apsw.carray(np.ascontiguousarray(rids, dtype=np.int64))
    rows = fetch(connection, _LOAD, (array,))
    return {row[0]: memory_from(row[1:]) for row in rows}


def load_by_id(connection: apsw.Connection, ids: Sequence[str]) -> dict[str, Memory]:
    """The records with these ids, by id, in one statement, in whatever scope."""
    among, values = listed(ids)
    rows = fetch(connection, f"SELECT {COLUMNS} FROM {TABLES} WHERE m.id IN {among}", values)
    return {row[0]: memory_from(row) for row in rows}
