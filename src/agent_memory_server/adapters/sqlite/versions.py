"""Records over time: earlier versions, records that others superseded, and what is deleted together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import apsw

from agent_memory_server.adapters.sqlite.matching import range_conditions
from agent_memory_server.adapters.sqlite.record_change import RecordChange, Stored, find_stored
from agent_memory_server.adapters.sqlite.rows import load, load_by_id
from agent_memory_server.adapters.sqlite.scopes import select
from agent_memory_server.adapters.sqlite.sql import fetch, queries
from agent_memory_server.domain.errors import Conflict, NotFound
from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.memory import Memory, MemoryType, Superseding, same_content, version_id
from agent_memory_server.domain.scope import Scope
from agent_memory_server.ports.memory_store import Supersession

VERSIONS_KEPT = 50
"""Earlier versions of one record; the oldest go first."""


def keep_version(
    connection: apsw.Connection,
    change: RecordChange,
    stored: Stored,
    newer: Memory,
    because: Superseding,
    *,
    at: float | None = None,
) -> Memory:
    """Keep what is stored as an earlier version, if `newer` tells something else; `newer` with the time from which it
    is valid: `at`, None for when it was updated. Messages have no versions: they are what was said."""
    before = load_by_id(connection, [stored.id])[stored.id]
    if before.superseded_by or same_content(before, newer):
        return replace(newer, valid_from=newer.valid_from or before.valid_from)
    if before.memory_type is MemoryType.MESSAGE:
        return newer
    taken = find_stored(connection, version_id(before))
    if taken is None:
        until = newer.updated_at if at is None else max(at, before.valid_from or before.created_at)
        version = replace(
            before, id=version_id(before), superseded_by=before.id, superseded_because=because, valid_until=until
        )
        change.insert(version, change.vector(stored))
        newer = replace(newer, valid_from=until)
    oldest = find_stored(connection, f"{stored.id}@{stored.revision - VERSIONS_KEPT}")
    if oldest is not None and oldest.superseded_by == stored.id:
        change.remove(oldest)
    return newer


def with_past(connection: apsw.Connection, doomed: Sequence[Stored]) -> list[Stored]:
    """These records, their earlier versions, and all that they superseded, directly or by others; each once."""
    found = {stored.id: stored for stored in doomed}
    waiting = list(found)
    while waiting:
        rows = fetch(connection, queries("records")["superseded"], (waiting.pop(),))
        for (id_,) in rows:
            if id_ not in found and (stored := find_stored(connection, id_)) is not None:
                found[id_] = stored
                waiting.append(id_)
    return list(found.values())


def supersede(connection: apsw.Connection, scope: Scope, step: Supersession) -> Memory:
    """Let a record take the place of others; see `MemoryStore.supersede`. Inside a write transaction."""
    by = _current(connection, scope, step.by.id, step.by.revision)
    gone = [(_current(connection, scope, id_, revision), id_) for id_, revision in step.gone]
    for stored, id_ in gone:
        if (stored.namespace, stored.user_id) != (by.namespace, by.user_id) or id_ == by.id:
            raise Conflict(f'memory "{id_}" cannot be superseded by "{by.id}": they are not two memories of one place')
    before = load_by_id(connection, [id_ for _, id_ in gone])
    if any(memory.pinned for memory in before.values()):
        raise Conflict("a pinned memory is never superseded")
    change = RecordChange(connection)
    newer = replace(
        step.by,
        revision=by.revision + 1,
        access_count=max(by.access_count, step.by.access_count),
        last_accessed=max(by.last_accessed, step.by.last_accessed),
    )
    if newer.text != by.text:  # else it tells what it told before, since the same time
        newer = keep_version(connection, change, by, newer, step.because, at=step.at)
    change.replace(by, newer, step.vector, keep_vector=step.by.text == by.text)
    for stored, id_ in gone:
        change.replace(stored, past(before[id_], step.by.id, step.because, at=step.at), None, keep_vector=True)
    change.finish()
    return newer


def past(memory: Memory, by: str, because: Superseding, *, at: float) -> Memory:
    """A current record as it is when another one took its place at that time."""
    return replace(
        memory,
        superseded_by=by,
        superseded_because=because.value,
        valid_until=max(at, memory.valid_from or memory.created_at),
        revision=memory.revision + 1,
    )


def _current(connection: apsw.Connection, scope: Scope, id_: str, revision: int) -> Stored:
    stored = find_stored(connection, id_)
    if stored is None or not scope.allows(stored.namespace, stored.user_id):
        raise NotFound(f'there is no memory "{id_}"')
    if stored.revision != revision or stored.superseded_by:
        raise Conflict(f'memory "{id_}" was changed meanwhile; read it again')
    return stored


def uncompared(connection: apsw.Connection, scope: Scope, filter_: Filter, limit: int) -> list[Memory]:
    """See `MemoryStore.uncompared`."""
    sql = queries("records")["uncompared"]
    rids: list[int] = []
    for condition, values in range_conditions(connection, select(connection, scope, filter_)):
        rows = fetch(connection, sql.replace("CONDITION", condition), [*values, limit - len(rids)])
        rids += [row[0] for row in rows]
    found = load(connection, rids)
    return [found[rid] for rid in rids if rid in found]


def mark_compared(connection: apsw.Connection, records: Sequence[tuple[str, int]]) -> None:
    """See `MemoryStore.mark_compared`."""
    connection.executemany(queries("records")["mark_compared"], records)
