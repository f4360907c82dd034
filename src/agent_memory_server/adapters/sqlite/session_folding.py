"""A summary put in place of a session's messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from agent_memory_server.adapters.sqlite.session_writer import find_head
from agent_memory_server.adapters.sqlite.sql import fetch_row, queries
from agent_memory_server.domain.errors import Conflict, NotFound
from agent_memory_server.domain.messages import message_digest
from agent_memory_server.domain.session import Message, Session, SessionKey

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
    connection.execute(_SQL["folded"], (head.sid, folding.context, folding.tokens, len(folding.messages)))
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
