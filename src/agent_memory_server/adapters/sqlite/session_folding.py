"""A summary put in place of a session's messages, and which sessions wait for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import apsw

from agent_memory_server.adapters.sqlite.session_writer import find_head
from agent_memory_server.adapters.sqlite.sql import fetch, fetch_row, queries
from agent_memory_server.domain.errors import Conflict, NotFound
from agent_memory_server.domain.messages import message_digest
from agent_memory_server.domain.session import Message, Session, SessionKey
from agent_memory_server.domain.tokens import tokens_of
from agent_memory_server.ports.session_store import OwedSession

_SQL = queries("folding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """What is folded, as in `SessionStore.fold`."""

    messages: Sequence[Message]
    context: str | None
    if_context: str | None
    tokens: int


def fold_messages(connection: apsw.Connection, key: SessionKey, folding: Folding, *, now: float) -> Session:
    """See `SessionStore.fold`. Raises: NotFound, Conflict."""
    head = find_head(connection, key, now=now)
    if head is None:
        raise NotFound(f"Session {key.session_id} not found")
    if head.session.context != folding.if_context:
        raise Conflict(f"the summary of session {key.session_id} has changed")
    for message in folding.messages:
        if fetch_row(connection, _SQL["there"], (head.sid, message.id, message.role, message.content)) is None:
            raise Conflict(f"message {message.id} of session {key.session_id} has changed or is gone")
    connection.executemany(
        _SQL["remember"], [(head.sid, message.id, message_digest(message)) for message in folding.messages]
    )
    connection.executemany(_SQL["drop"], [(head.sid, message.id) for message in folding.messages])
    numbers = (folding.tokens, len(folding.messages), tokens_of(folding.messages))
    connection.execute(_SQL["folded"], (head.sid, folding.context, *numbers))
    after = find_head(connection, key, now=now)
    if after is None:
        raise AssertionError("the session was there")
    return after.session


def folded_ids(connection: apsw.Connection, key: SessionKey, messages: Sequence[Message], *, now: float) -> set[str]:
    """See `SessionStore.folded`."""
    head = find_head(connection, key, now=now)
    if head is None:
        return set()
    found = set()
    for message in messages:
        row = fetch_row(connection, _SQL["was_folded"], (head.sid, message.id))
        if row is not None and row[0] == message_digest(message):
            found.add(message.id)
    return found


def outgrown_sessions(
    connection: apsw.Connection, *, now: float, limit: int, after: OwedSession | None
) -> list[OwedSession]:
    """See `SessionStore.owed_foldings`."""
    start = after or OwedSession(key=SessionKey("", "", ""), since=-1e300)
    values = {**asdict(start.key), "since": start.since, "now": now, "limit": limit}
    rows: list[tuple[Any, ...]] = connection.execute(_SQL["owed"], values).fetchall()
    return [OwedSession(key=SessionKey(*row[:3]), since=row[3]) for row in rows]


def uncounted_sessions(connection: apsw.Connection, *, now: float, limit: int) -> list[SessionKey]:
    """See `SessionStore.uncounted`."""
    return [SessionKey(*row) for row in fetch(connection, _SQL["uncounted"], (now, limit))]


def note_count(
    connection: apsw.Connection, key: SessionKey, *, revision: int, tokens: int, outgrown: bool, now: float
) -> bool:
    """See `SessionStore.counted`."""
    values = {**asdict(key), "revision": revision, "tokens": tokens, "outgrown": outgrown, "now": now}
    connection.execute(_SQL["counted"], values)
    return connection.changes() > 0


def folded_digests(connection: apsw.Connection, key: SessionKey, *, now: float) -> dict[str, bytes]:
    """See `SessionStore.folded_digests`."""
    head = find_head(connection, key, now=now)
    return dict(fetch(connection, _SQL["all_folded"], (head.sid,))) if head else {}


def note_folded(connection: apsw.Connection, key: SessionKey, digests: Mapping[str, bytes], *, now: float) -> None:
    """See `SessionStore.note_folded`."""
    head = find_head(connection, key, now=now)
    if head is not None:
        connection.executemany(_SQL["remember"], [(head.sid, id_, digest) for id_, digest in digests.items()])
