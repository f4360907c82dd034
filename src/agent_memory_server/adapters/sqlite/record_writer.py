"""The rules of writing records: scope, replacement, duplicates, revisions. Each is one step of a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.burials import bury, is_buried
from agent_memory_server.adapters.sqlite.record_change import RecordChange, Stored, find_stored
from agent_memory_server.adapters.sqlite.rows import load_by_id
from agent_memory_server.adapters.sqlite.sql import fetch, fetch_row, queries
from agent_memory_server.adapters.sqlite.versions import keep_version, with_past
from agent_memory_server.domain.errors import Conflict, Forbidden, NotFound
from agent_memory_server.domain.memory import Memory, Superseding, hash_of
from agent_memory_server.domain.scope import Scope
from agent_memory_server.ports.memory_store import MemoryWrite, Owed, PutResult, PutStatus

ACCESS_INTERVAL_S = 900.0
"""An access less than this after the noted one is not noted: most reads then write nothing."""


def _check_place(scope: Scope, memory: Memory) -> None:
    if not scope.allows(memory.namespace, memory.user_id):
        raise Forbidden(f'writing to namespace "{memory.namespace}", user "{memory.user_id}" is not granted')


def _same_kind(stored: Stored, memory: Memory) -> bool:
    return (stored.namespace, stored.user_id, stored.session_id, stored.memory_type) == (
        memory.namespace, memory.user_id, memory.session_id, memory.memory_type.value,
    )  # fmt: skip


def _target(connection: apsw.Connection, write: MemoryWrite) -> tuple[Memory, Stored | None, bool]:
    """The record under the id it is to have, what that id holds now, and whether it may be written there."""
    memory = write.memory
    stored = find_stored(connection, memory.id)
    if stored is None or write.fallback_id is None or _same_kind(stored, memory):
        return memory, stored, True
    memory = replace(memory, id=write.fallback_id)
    stored = find_stored(connection, memory.id)
    return memory, stored, stored is None or _same_kind(stored, memory)


def _same_content(connection: apsw.Connection, memory: Memory) -> str | None:
    content = memory.memory_hash or hash_of(memory)
    values = (content, memory.namespace, memory.user_id, memory.session_id, memory.id)
    row = fetch_row(connection, queries("records")["same_content"], values)
    return row[0] if row else None


def _put(
    connection: apsw.Connection, change: RecordChange, scope: Scope, write: MemoryWrite, now: float, deduplicate: bool
) -> PutResult:
    memory, stored, free = _target(connection, write)
    if not free or (stored is not None and not scope.allows(stored.namespace, stored.user_id)):
        return PutResult(memory.id, PutStatus.REFUSED)
    if deduplicate and (other := _same_content(connection, memory)) is not None:
        connection.execute(queries("records")["note_duplicate"], (now, other))
        return PutResult(other, PutStatus.DUPLICATE)
    if stored is None:
        change.insert(replace(memory, revision=1) if memory.revision != 1 else memory, write.vector)
        return PutResult(memory.id, PutStatus.CREATED)
    persisted_at = memory.persisted_at if stored.persisted_at is None else stored.persisted_at
    newer = replace(memory, revision=stored.revision + 1, persisted_at=persisted_at)
    newer = keep_version(connection, change, stored, newer, Superseding.REPLACED)
    # The vector of an equal text is as good as a new one, and nothing is owed.
    change.replace(stored, newer, write.vector, keep_vector=write.vector is None and memory.text == stored.text)
    return PutResult(memory.id, PutStatus.REPLACED)


def put_records(
    connection: apsw.Connection,
    scope: Scope,
    writes: Sequence[MemoryWrite],
    *,
    now: float,
    deduplicate: bool = False,
    derived: bool = False,
) -> list[PutResult]:
    """Store records; see `MemoryStore.put`. Inside a write transaction.

    derived: they were read out of messages, so what was deleted stays deleted.

    Raises: Forbidden, when one of the records lies outside the scope (nothing is written then).
    """
    for write in writes:
        _check_place(scope, write.memory)
    if not writes:
        return []
    change = RecordChange(connection)
    results = [
        PutResult(write.memory.id, PutStatus.DELETED)
        if derived and is_buried(connection, write.memory)
        else _put(connection, change, scope, write, now, deduplicate)
        for write in writes
    ]
    change.finish()
    return results


def restore_records(connection: apsw.Connection, scope: Scope, writes: Sequence[MemoryWrite]) -> list[bool]:
    """Store records exactly as they are where their ids are free; see `SupportsRestore.restore`."""
    for write in writes:
        _check_place(scope, write.memory)
    stored: list[bool] = []
    change = RecordChange(connection)
    for write in writes:
        free = find_stored(connection, write.memory.id) is None
        if free:
            change.insert(write.memory, write.vector)
        stored.append(free)
    change.finish()
    return stored


def _within(connection: apsw.Connection, scope: Scope, id_: str) -> Stored | None:
    stored = find_stored(connection, id_)
    if stored is None or not scope.allows(stored.namespace, stored.user_id):
        return None
    return stored


def update_record(
    connection: apsw.Connection,
    scope: Scope,
    memory: Memory,
    *,
    if_revision: int,
    vector: NDArray[np.float32] | None,
    text_changed: bool,
) -> Memory:
    """Replace a record's content; see `MemoryStore.update`. What accesses noted meanwhile stays noted."""
    stored = _within(connection, scope, memory.id)
    if stored is None:
        raise NotFound(f'there is no memory "{memory.id}"')
    _check_place(scope, memory)
    if stored.revision != if_revision:
        raise Conflict(f'memory "{memory.id}" has revision {stored.revision}, not {if_revision}; read it again')
    newer = replace(
        memory,
        revision=if_revision + 1,
        memory_hash=memory.memory_hash or hash_of(memory),
        access_count=max(stored.access_count, memory.access_count),
        last_accessed=max(stored.last_accessed, memory.last_accessed),
    )
    change = RecordChange(connection)
    newer = keep_version(connection, change, stored, newer, Superseding.EDITED)
    change.replace(stored, newer, vector, keep_vector=not text_changed and memory.text == stored.text)
    change.finish()
    return newer


def delete_records(connection: apsw.Connection, scope: Scope, ids: Sequence[str]) -> int:
    """Delete records with their history; how many of the ids there were within the scope."""
    doomed = [stored for id_ in dict.fromkeys(ids) if (stored := _within(connection, scope, id_)) is not None]
    if doomed:
        change = RecordChange(connection)
        together = with_past(connection, doomed)
        bury(connection, load_by_id(connection, [stored.id for stored in together]).values())
        for stored in together:
            change.remove(stored)
        change.finish()
    return len(doomed)


def touch_records(connection: apsw.Connection, scope: Scope, ids: Sequence[str], *, at: float) -> int:
    """Note an access; see `MemoryStore.touch`. It is no change that caches must follow."""
    statement = queries("records")["touch"]
    noted = 0
    for id_ in dict.fromkeys(ids):
        stored = _within(connection, scope, id_)
        if stored is not None and at - stored.last_accessed >= ACCESS_INTERVAL_S:
            connection.execute(statement, (stored.rid, at))
            noted += 1
    return noted


def set_vectors(connection: apsw.Connection, vectors: Sequence[tuple[str, int, NDArray[np.float32]]]) -> int:
    """Fill in embeddings by (id, revision, vector); how many records still had that revision."""
    if not vectors:
        return 0
    change = RecordChange(connection)
    done = sum(change.embed(id_, revision, vector) for id_, revision, vector in vectors)
    change.finish()
    return done


def owed_embeddings(connection: apsw.Connection, limit: int) -> list[Owed]:
    """Records without a vector, oldest first."""
    rows = fetch(connection, queries("records")["owed"], (limit,))
    return [Owed(id=id_, revision=revision, text=text) for id_, revision, text in rows]


def stored_memories(connection: apsw.Connection, scope: Scope, ids: Sequence[str]) -> list[Memory]:
    """The records with these ids within the scope, in the order of the ids; each once."""
    found = load_by_id(connection, ids)
    memories = [found[id_] for id_ in dict.fromkeys(ids) if id_ in found]
    return [memory for memory in memories if scope.allows(memory.namespace, memory.user_id)]
