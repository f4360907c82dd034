"""What extraction has not read of sessions, and the marks of what it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from agent_memory_server.adapters.sqlite.record_writer import put_records
from agent_memory_server.adapters.sqlite.session_rows import message_from_row
from agent_memory_server.adapters.sqlite.session_writer import find_head
from agent_memory_server.adapters.sqlite.sql import fetch, queries
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import Message, SessionKey
from agent_memory_server.ports.memory_store import MemoryWrite
from agent_memory_server.ports.session_store import Marked, OwedSession, Unextracted

_SQL = queries("extraction")


def owed_sessions(
    connection: apsw.Connection, *, now: float, limit: int, after: OwedSession | None
) -> list[OwedSession]:
    """See `SessionStore.owed_extractions`."""
    start = after or OwedSession(key=SessionKey("", "", ""), since=-1e300)
    values: dict[str, Any] = {
        "now": now,
        "limit": limit,
        "since": start.since,
        "namespace": start.key.namespace,
        "user_id": start.key.user_id,
        "session_id": start.key.session_id,
    }
    rows: list[tuple[Any, ...]] = connection.execute(_SQL["owed"], values).fetchall()
    return [OwedSession(key=SessionKey(*row[:3]), since=row[3]) for row in rows]


def read_unextracted(
    connection: apsw.Connection, key: SessionKey, *, now: float, limit: int, before: int
) -> Unextracted | None:
    """See `SessionStore.unextracted`; inside a snapshot of the caller."""
    head = find_head(connection, key, now=now)
    if head is None:
        return None
    owed = [message_from_row(row) for row in fetch(connection, _SQL["unextracted"], (head.sid, limit))]
    earlier: list[Message] = []
    if owed:
        rows = fetch(connection, _SQL["before"], (head.sid, owed[0][0], before))
        earlier = [message for _, message in map(message_from_row, reversed(rows))]
    return Unextracted(session=head.session, messages=tuple(message for _, message in owed), before=tuple(earlier))


def mark_extracted(
    connection: apsw.Connection,
    scope: Scope,
    key: SessionKey,
    messages: Sequence[Message],
    *,
    now: float,
    records: Sequence[MemoryWrite],
) -> Marked:
    """See `SessionStore.mark_extracted`."""
    head = find_head(connection, key, now=now)
    if head is None:
        return Marked(messages=(), records=())
    marked = tuple(message.id for message in messages if _mark(connection, head.sid, message))
    if not marked:
        return Marked(messages=(), records=())
    connection.execute(_SQL["marked"], (head.sid,))
    others = {message.id for message in messages}.difference(marked)
    supported = [record for record in records if others.isdisjoint(record.memory.extracted_from)]
    stored = put_records(connection, scope, supported, now=now, deduplicate=True, derived=True)
    return Marked(messages=marked, records=tuple(stored))


def _mark(connection: apsw.Connection, sid: int, message: Message) -> bool:
    connection.execute(_SQL["mark"], (sid, message.id, message.role, message.content))
    return connection.changes() > 0
