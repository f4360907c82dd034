"""Records as rows of `memories`, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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


def memory_from(row: Sequence[Any]) -> Memory:
    """The record of a row of COLUMNS."""
    return Memory(
        id=row[0],
        text=row[1],
        created_at=row[2],
        updated_at=row[3],
        last_accessed=row[4],
        namespace=row[5],
        user_id=row[6],
        session_id=row[7],
        memory_type=_TYPES[row[8]],
        topics=_decoded(row[9]) if row[9] else (),
        entities=_decoded(row[10]) if row[10] else (),
        persisted_at=row[11],
        event_date=row[12],
        pinned=row[13] != 0,
        access_count=row[14],
        memory_hash=row[15],
        discrete_memory_extracted=row[16] != 0,
        extraction_strategy=row[17],
        extraction_strategy_config=json.loads(row[18]) if row[18] else {},
        extracted_from=_decoded(row[19]) if row[19] else (),
        metadata=json.loads(row[20]) if row[20] else {},
        revision=row[21],
        superseded_by=row[22],
        superseded_because=row[23],
        valid_from=row[24],
        valid_until=row[25],
    )


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
