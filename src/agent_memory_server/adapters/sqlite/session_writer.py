"""Changes of sessions, each inside the transaction of its caller."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import apsw

from agent_memory_server.adapters.sqlite.record_writer import put_records
from agent_memory_server.adapters.sqlite.session_rows import (
    Head,
    config_json,
    expiry,
    head_from_row,
    message_from_row,
    message_values,
    session_values,
)
from agent_memory_server.adapters.sqlite.sql import fetch_row, queries
from agent_memory_server.domain.bound import Bound
from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.messages import (
    distinct,
    message_digest,
    other_content,
    other_revision,
    same_message,
)
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy, with_speakers
from agent_memory_server.domain.tokens import tokens_of
from agent_memory_server.ports.memory_store import MemoryWrite, PutStatus
from agent_memory_server.ports.session_store import Appended

_SQL = queries("sessions")
_FOLDING = queries("folding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """What an append brings, as in `SessionStore.append`."""

    messages: Sequence[Message]
    ttl_seconds: int | None
    strategy: Strategy | None
    records: Sequence[MemoryWrite]
    bound: Bound | None = None


def find_head(connection: apsw.Connection, key: SessionKey, *, now: float) -> Head | None:
    """The session without its messages, unless its time is over at `now`."""
    row = connection.execute(_SQL["head"], (key.namespace, key.user_id, key.session_id, now)).fetchone()
    return None if row is None else head_from_row(key, row)


def put_session(
    connection: apsw.Connection,
    scope: Scope,
    session: Session,
    *,
    now: float,
    if_revision: int | None,
    records: Sequence[MemoryWrite],
    bound: Bound | None = None,
) -> Session:
    """Store exactly this session; only rows that differ are written. Raises: Conflict; see `SessionStore.put`."""
    messages = distinct(session.messages)
    stored = _live_head(connection, session.key, now=now)
    revision = stored.session.revision if stored else 0
    if if_revision is not None and if_revision != revision:
        raise other_revision(session.key, if_revision, revision)
    values = session_values(session, now=now)
    if stored is None:
        sid, position = _insert(connection, values), 0
    else:
        sid, position = stored.sid, stored.next_position
        connection.execute(_SQL["replace"], {**values, "sid": sid})
        if stored.session.context != session.context:
            connection.execute(_FOLDING["forget"], (sid,))
    position = _replace_messages(connection, sid, position, messages)
    before = stored.session if stored else None
    since = _owed_since(before, messages, now=now)
    held = tokens_of(messages)
    window = before.window if before else None
    outgrown_since = before.outgrown_since if before else None
    if bound is not None:
        window = bound.window
        outgrown_since = _since(outgrown_since, now) if bound.outgrown(held, window) else None
    speakers = with_speakers(before.speakers if before else (), messages)
    numbers = (revision + 1, len(messages), position, since, held, window, outgrown_since, json.dumps(speakers))
    connection.execute(_SQL["advance"], (sid, *numbers))
    _put_owed(connection, scope, records, now=now)
    return replace(
        session,
        messages=messages,
        revision=revision + 1,
        message_count=len(messages),
        owed_since=since,
        outgrown_since=outgrown_since,
        speakers=speakers,
        window=window,
    )


def append_messages(
    connection: apsw.Connection, scope: Scope, key: SessionKey, append: Append, *, now: float
) -> Appended:
    """Add messages behind the last one, at a cost that does not depend on the session's length.

    Raises: Conflict; see `SessionStore.append`.
    """
    head = _live_head(connection, key, now=now) or _started(connection, key, append, now=now)
    messages, repeated = _with_stored(connection, head.sid, append.messages)
    fresh = distinct(message for message in messages if message.id not in repeated)
    since = _owed_since(head.session, fresh, now=now) or head.session.owed_since
    held, window, outgrown_since = _grown(head, append, fresh, now=now)
    session = replace(
        _after(head.session, append, added=len(fresh), now=now),
        owed_since=since,
        outgrown_since=outgrown_since,
        speakers=with_speakers(head.session.speakers, fresh),
        window=window,
    )
    position = _insert_messages(connection, head.sid, head.next_position, fresh)
    connection.execute(
        _SQL["appended"],
        (
            head.sid,
            session.revision,
            session.message_count,
            position,
            session.strategy.name,
            config_json(session.strategy),
            session.ttl_seconds,
            expiry(session.ttl_seconds, now),
            session.updated_at,
            session.last_accessed,
            since,
            held,
            window,
            outgrown_since,
            json.dumps(session.speakers),
        ),
    )
    # The record of a repeated message was stored with it, and may have been deleted since: it stays as it is.
    owed = [record for record in append.records if record.memory.id not in repeated]
    _put_owed(connection, scope, owed, now=now)
    return Appended(session=session, messages=messages)


def _grown(
    head: Head, append: Append, fresh: Sequence[Message], *, now: float
) -> tuple[int | None, int | None, float | None]:
    """Tokens that the session holds then, its window, and since when it has outgrown that."""
    held = None if head.held is None else head.held + tokens_of(fresh)
    bound, since = append.bound, head.session.outgrown_since
    if bound is None:
        return held, head.session.window, since
    window = head.session.window if bound.window is None else bound.window
    if bound.outgrown(held, window):
        return held, window, _since(since, now)
    return held, window, since if bound.window is None else None


def _since(before: float | None, now: float) -> float:
    return now if before is None else before


def _put_owed(connection: apsw.Connection, scope: Scope, records: Sequence[MemoryWrite], *, now: float) -> None:
    for result in put_records(connection, scope, records, now=now, deduplicate=False):
        if result.status is PutStatus.REFUSED:
            raise Conflict(f"the record id {result.id} is taken; choose another one")


def _owed_since(session: Session | None, messages: Sequence[Message], *, now: float) -> float | None:
    """Since when extraction owes one of these messages of the session; None when it owes none of them."""
    if all(message.discrete_memory_extracted for message in messages):
        return None
    return now if session is None or session.owed_since is None else session.owed_since


def _live_head(connection: apsw.Connection, key: SessionKey, *, now: float) -> Head | None:
    """The session, after an expired one in its place has been deleted."""
    connection.execute(_SQL["drop_expired"], (key.namespace, key.user_id, key.session_id, now))
    return find_head(connection, key, now=now)


def _insert(connection: apsw.Connection, values: dict[str, apsw.SQLiteValue]) -> int:
    connection.execute(_SQL["insert"], values)
    return connection.last_insert_rowid()


def _started(connection: apsw.Connection, key: SessionKey, append: Append, *, now: float) -> Head:
    session = Session(
        key=key,
        created_at=now,
        updated_at=now,
        last_accessed=now,
        strategy=append.strategy or Strategy(),
        ttl_seconds=append.ttl_seconds,
    )
    return Head(_insert(connection, session_values(session, now=now)), 0, session)


def _after(session: Session, append: Append, *, added: int, now: float) -> Session:
    """The session's head after the append; the revision counts changes, and a repeated request is none."""
    ttl_seconds = session.ttl_seconds if append.ttl_seconds is None else append.ttl_seconds
    strategy = append.strategy or session.strategy
    new = session.revision == 0
    changed = new or added > 0 or ttl_seconds != session.ttl_seconds or strategy != session.strategy
    return replace(
        session,
        ttl_seconds=ttl_seconds,
        strategy=strategy,
        revision=session.revision + changed,
        message_count=session.message_count + added,
        updated_at=now if changed else session.updated_at,
        last_accessed=now,
    )


def _with_stored(
    connection: apsw.Connection, sid: int, messages: Sequence[Message]
) -> tuple[tuple[Message, ...], set[str]]:
    """The messages, those that are stored already as they are stored; and the ids of these and of folded ones."""
    result, repeated = [], set()
    for message in messages:
        row = connection.execute(_SQL["message"], (sid, message.id)).fetchone()
        if row is None:
            result.append(message)
            if _was_folded(connection, sid, message):
                repeated.add(message.id)
            continue
        _, stored = message_from_row(row)
        if not same_message(stored, message):
            raise other_content(message)
        result.append(stored)
        repeated.add(message.id)
    return tuple(result), repeated


def _was_folded(connection: apsw.Connection, sid: int, message: Message) -> bool:
    """Whether a summary took the place of this message. Raises: Conflict, where it was another one of its id."""
    row = fetch_row(connection, _FOLDING["was_folded"], (sid, message.id))
    if row is not None and row[0] != message_digest(message):
        raise other_content(message)
    return row is not None


def _insert_messages(connection: apsw.Connection, sid: int, position: int, messages: Sequence[Message]) -> int:
    """Store messages from this position on; the position behind them."""
    connection.executemany(
        _SQL["insert_message"],
        [(sid, n, message.id, *message_values(message)) for n, message in enumerate(messages, position)],
    )
    return position + len(messages)


def _replace_messages(connection: apsw.Connection, sid: int, position: int, messages: Sequence[Message]) -> int:
    """Make these the session's messages. Stored ones that come first and in their old order keep their rows, so a
    longer session, one cut at its beginning, and one with new marks cost only what differs."""
    stored = {
        message.id: (at, message) for at, message in map(message_from_row, connection.execute(_SQL["messages"], (sid,)))
    }
    kept: set[str] = set()
    changed = []
    last = -1
    for message in messages:
        at, old = stored.get(message.id, (-1, message))
        if at <= last:
            break
        last = at
        kept.add(message.id)
        if old != message:
            changed.append((sid, at, *message_values(message)))
    gone = [(sid, at) for id_, (at, _) in stored.items() if id_ not in kept]
    connection.executemany(_SQL["delete_message"], gone)
    connection.executemany(_SQL["update_message"], changed)
    return _insert_messages(connection, sid, position, messages[len(kept) :])
