"""Sessions in the data folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import apsw

from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.session_extraction import mark_extracted, owed_sessions, read_unextracted
from agent_memory_server.adapters.sqlite.session_folding import (
    Folding,
    fold_messages,
    folded_digests,
    folded_ids,
    note_count,
    note_folded,
    outgrown_sessions,
    uncounted_sessions,
)
from agent_memory_server.adapters.sqlite.session_rows import message_from_row
from agent_memory_server.adapters.sqlite.session_writer import Append, append_messages, find_head, put_session
from agent_memory_server.adapters.sqlite.sql import queries, snapshot
from agent_memory_server.domain.bound import Bound
from agent_memory_server.domain.errors import Forbidden
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy
from agent_memory_server.ports.memory_store import MemoryWrite
from agent_memory_server.ports.session_store import Appended, Marked, OwedSession, SessionPage, Unextracted

_SQL = queries("sessions")


class SqliteSessionStore:
    """`SessionStore` over the tables of sessions and messages. A session ends at `expires_at` itself."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, scope: Scope, key: SessionKey, *, now: float, last: int | None = None) -> Session | None:
        """The session with its messages, or the `last` ones by time."""
        if not scope.allows(key.namespace, key.user_id):
            return None

        def work(connection: apsw.Connection) -> Session | None:
            with snapshot(connection):
                head = find_head(connection, key, now=now)
                return replace(head.session, messages=_messages(connection, head.sid, last)) if head else None

        return await self._database.read(work)

    async def find(
        self, scope: Scope, session_id: str, *, namespace: str | None, user_id: str | None, now: float
    ) -> list[SessionKey]:
        """Keys of the sessions with this id within the scope, at most 2, oldest first."""
        values = _within(scope, namespace, user_id) | {"session_id": session_id, "now": now}
        return await self._database.read(lambda connection: _keys(connection.execute(_SQL["find"], values)))

    async def put(
        self,
        scope: Scope,
        session: Session,
        *,
        now: float,
        if_revision: int | None = None,
        records: Sequence[MemoryWrite] = (),
        bound: Bound | None = None,
    ) -> Session:
        """Store exactly this session, and the records, in one step. Raises: Conflict, Forbidden."""
        _require(scope, session.key)
        return await self._database.write(
            lambda connection: put_session(
                connection, scope, session, now=now, if_revision=if_revision, records=records, bound=bound
            )
        )

    async def append(
        self,
        scope: Scope,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        now: float,
        ttl_seconds: int | None = None,
        strategy: Strategy | None = None,
        records: Sequence[MemoryWrite] = (),
        bound: Bound | None = None,
    ) -> Appended:
        """Add messages behind the last one, and the records, in one step. Raises: Conflict, Forbidden."""
        _require(scope, key)
        append = Append(messages=messages, ttl_seconds=ttl_seconds, strategy=strategy, records=records, bound=bound)
        return await self._database.write(lambda connection: append_messages(connection, scope, key, append, now=now))

    async def delete(self, scope: Scope, key: SessionKey, *, now: float) -> bool:
        """Delete the session and its messages; whether it was there."""
        if not scope.allows(key.namespace, key.user_id):
            return False

        def work(connection: apsw.Connection) -> bool:
            connection.execute(_SQL["delete"], (key.namespace, key.user_id, key.session_id, now))
            return connection.changes() > 0

        return await self._database.write(work)

    async def list(
        self, scope: Scope, *, namespace: str | None, user_id: str | None, limit: int, offset: int, now: float
    ) -> SessionPage:
        """Keys, oldest session first; equal times in the order they were stored."""
        values = _within(scope, namespace, user_id) | {"now": now, "limit": limit, "offset": offset}

        def work(connection: apsw.Connection) -> SessionPage:
            with snapshot(connection):
                keys = _keys(connection.execute(_SQL["list"], values))
                total: int = connection.execute(_SQL["count"], values).get
                return SessionPage(keys=tuple(keys), total=total)

        return await self._database.read(work)

    async def owed_extractions(
        self, *, now: float, limit: int, after: OwedSession | None = None
    ) -> Sequence[OwedSession]:
        """Sessions that extraction owes something, the longest owed first."""
        return await self._database.read(
            lambda connection: owed_sessions(connection, now=now, limit=limit, after=after)
        )

    async def unextracted(
        self, scope: Scope, key: SessionKey, *, now: float, limit: int, before: int
    ) -> Unextracted | None:
        """The first messages that extraction has not read, and those before them."""
        if not scope.allows(key.namespace, key.user_id):
            return None

        def work(connection: apsw.Connection) -> Unextracted | None:
            with snapshot(connection):
                return read_unextracted(connection, key, now=now, limit=limit, before=before)

        return await self._database.read(work)

    async def mark_extracted(
        self,
        scope: Scope,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        now: float,
        records: Sequence[MemoryWrite] = (),
    ) -> Marked:
        """Mark messages as read, and store the records read out of them, in one step. Raises: Forbidden."""
        _require(scope, key)
        return await self._database.write(
            lambda connection: mark_extracted(connection, scope, key, messages, now=now, records=records)
        )

    async def fold(
        self,
        scope: Scope,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        context: str | None,
        if_context: str | None,
        tokens: int,
        now: float,
    ) -> Session:
        """Put a summary in place of messages, in one step. Raises: NotFound, Conflict, Forbidden."""
        _require(scope, key)
        folding = Folding(messages=messages, context=context, if_context=if_context, tokens=tokens)
        return await self._database.write(lambda connection: fold_messages(connection, key, folding, now=now))

    async def folded(self, scope: Scope, key: SessionKey, messages: Sequence[Message], *, now: float) -> set[str]:
        """See `SessionStore.folded`."""
        _require(scope, key)
        return await self._database.read(lambda connection: folded_ids(connection, key, messages, now=now))

    async def folded_digests(self, key: SessionKey, *, now: float) -> Mapping[str, bytes]:
        """See `SessionStore.folded_digests`."""
        return await self._database.read(lambda connection: folded_digests(connection, key, now=now))

    async def note_folded(self, key: SessionKey, digests: Mapping[str, bytes], *, now: float) -> None:
        """See `SessionStore.note_folded`."""
        await self._database.write(lambda connection: note_folded(connection, key, digests, now=now))

    async def owed_foldings(self, *, now: float, limit: int, after: OwedSession | None = None) -> Sequence[OwedSession]:
        """See `SessionStore.owed_foldings`."""
        return await self._database.read(
            lambda connection: outgrown_sessions(connection, now=now, limit=limit, after=after)
        )

    async def uncounted(self, *, now: float, limit: int) -> Sequence[SessionKey]:
        """See `SessionStore.uncounted`."""
        return await self._database.read(lambda connection: uncounted_sessions(connection, now=now, limit=limit))

    async def counted(
        self, scope: Scope, key: SessionKey, *, revision: int, tokens: int, outgrown: bool, now: float
    ) -> bool:
        """See `SessionStore.counted`."""
        _require(scope, key)
        return await self._database.write(
            lambda connection: note_count(connection, key, revision=revision, tokens=tokens, outgrown=outgrown, now=now)
        )

    async def purge_expired(self, *, now: float, limit: int = 1000) -> int:
        """Delete up to `limit` sessions whose time is over; how many."""

        def work(connection: apsw.Connection) -> int:
            connection.execute(_SQL["purge_expired"], (now, limit))
            return connection.changes()

        return await self._database.write(work)


def _require(scope: Scope, key: SessionKey) -> None:
    if not scope.allows(key.namespace, key.user_id):
        raise Forbidden("the session's namespace and user are outside of what this credential grants")


def _messages(connection: apsw.Connection, sid: int, last: int | None) -> tuple[Message, ...]:
    if last is None:
        rows = connection.execute(_SQL["messages"], (sid,)).fetchall()
    else:
        rows = connection.execute(_SQL["last_messages"], (sid, max(last, 0))).fetchall()[::-1]
    return tuple(message for _, message in map(message_from_row, rows))


def _json(values: frozenset[str] | None) -> str | None:
    return None if values is None else json.dumps(sorted(values))


def _within(scope: Scope, namespace: str | None, user_id: str | None) -> dict[str, apsw.SQLiteValue]:
    """The namespaces and users to look at, as the queries take them: within the scope, in the parts that are given."""
    asked = Scope(
        None if namespace is None else frozenset({namespace}), None if user_id is None else frozenset({user_id})
    )
    within = scope.intersect(asked)
    return {"namespaces": _json(within.namespaces), "users": _json(within.users)}


def _keys(rows: Iterable[tuple[Any, ...]]) -> list[SessionKey]:
    return [SessionKey(namespace, user_id, session_id) for namespace, user_id, session_id in rows]
