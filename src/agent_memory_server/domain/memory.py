"""A memory: one durable record, and how it is identified by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class MemoryType(StrEnum):
    """semantic: a lasting fact; episodic: an event with a time; message: a turn of a conversation."""

    SEMANTIC = "semantic"
    EPISODIC = "episodic"
    MESSAGE = "message"


class Superseding(StrEnum):
    """Why a record, or a version of one, is no longer current."""

    EDITED = "edited"
    """the caller changed members of the record"""
    REPLACED = "replaced"
    """the caller stored another record under the same id"""
    MERGED = "merged"
    """another record says the same, and has taken over what this one held"""
    CONTRADICTED = "contradicted"
    """a newer record says that it is no longer so"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One durable record.

    namespace, user_id, session_id: "" where the record has none.
    Times are Unix seconds (UTC) with microseconds. `revision` starts at 1 and grows by one with each
    change of the record; an access update is not a change.

    superseded_by: the id of the record that took this one's place, "" while it is current; of an earlier version of
        a record, that record's id. superseded_because: why (`Superseding`), "" while it is current.
    valid_from, valid_until: this version was current from (None: from its creation) until (None: it still is).
    """

    id: str
    text: str
    created_at: float
    updated_at: float
    last_accessed: float
    namespace: str = ""
    user_id: str = ""
    session_id: str = ""
    memory_type: MemoryType = MemoryType.SEMANTIC
    topics: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    persisted_at: float | None = None
    event_date: float | None = None
    pinned: bool = False
    access_count: int = 0
    memory_hash: str = ""
    discrete_memory_extracted: bool = True
    extraction_strategy: str = "discrete"
    extraction_strategy_config: Mapping[str, Any] = field(default_factory=dict)
    extracted_from: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 1
    superseded_by: str = ""
    superseded_because: str = ""
    valid_from: float | None = None
    valid_until: float | None = None


_sorted = json.JSONEncoder(sort_keys=True).encode  # `dumps` makes an encoder for each call


def content_hash(memory_type: str, namespace: str, session_id: str, text: str, user_id: str) -> str:
    """SHA-256 (64 hex digits) of a record's content and place: equal for exact duplicates in one session.

    The text hashed is JSON with sorted keys, separators ", " and ": ", non-ASCII escaped, and null where
    a value is empty: the format of the reference server, so hashes of both compare equal.
    """
    content = {
        "memory_type": memory_type,
        "namespace": namespace or None,
        "session_id": session_id or None,
        "text": text,
        "user_id": user_id or None,
    }
    return hashlib.sha256(_sorted(content).encode()).hexdigest()


def hash_of(memory: Memory) -> str:
    """`content_hash` of a record."""
    return content_hash(memory.memory_type.value, memory.namespace, memory.session_id, memory.text, memory.user_id)


def same_content(one: Memory, other: Memory) -> bool:
    """Whether two versions of a record tell the same: everything but times of use, counts and marks."""
    return _told(one) == _told(other)


def _told(memory: Memory) -> tuple[object, ...]:
    return (
        memory.text,
        memory.memory_type,
        memory.event_date,
        memory.topics,
        memory.entities,
        dict(memory.metadata),
        memory.namespace,
        memory.user_id,
        memory.session_id,
    )


def version_id(memory: Memory) -> str:
    """The id under which this version of a record is kept when a newer one takes its place."""
    return f"{memory.id}@{memory.revision}"
