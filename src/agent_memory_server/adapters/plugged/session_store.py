"""Sessions of one store, whose long-term records lie in another.

No step spans two stores. Records are stored first: what was acknowledged is in both, and of a write that was cut off in
between records may be there that the repeated write stores again under the same ids. When the session's write is
refused, the records that it made are deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent_memory_server.domain.bound import Bound
from agent_memory_server.domain.errors import Conflict, MemoryServerError
from agent_memory_server.domain.messages import same_message
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy
from agent_memory_server.ports.memory_store import MemoryStore, MemoryWrite, PutResult, PutStatus
from agent_memory_server.ports.session_store import (
    Appended,
    Marked,
    OwedSession,
    SessionPage,
    SessionStore,
    Unextracted,
)


class PluggedSessionStore:
    """`SessionStore` around one whose own records are never used. A write that owes records reads the session first, so
    its cost grows with the session's length."""

    def __init__(self, sessions: SessionStore, memories: MemoryStore) -> None:
        self._sessions = sessions
        self._memories = memories

    async def get(self, scope: Scope, key: SessionKey, *, now: float, last: int | None = None) -> Session | None:
        """See `SessionStore.get`."""
        return await self._sessions.get(scope, key, now=now, last=last)

    async def find(
        self, scope: Scope, session_id: str, *, namespace: str | None, user_id: str | None, now: float
    ) -> Sequence[SessionKey]:
        """See `SessionStore.find`."""
        return await self._sessions.find(scope, session_id, namespace=namespace, user_id=user_id, now=now)

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
        """See `SessionStore.put`."""
        made = await self._stored(scope, records, now=now)
        try:
            return await self._sessions.put(scope, session, now=now, if_revision=if_revision, bound=bound)
        except MemoryServerError:
            await self._memories.delete(scope, made)
            raise

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
        """See `SessionStore.append`."""
        known = await self._known(scope, key, messages, now=now) if records else set()
        made = await self._stored(scope, [one for one in records if one.memory.id not in known], now=now)
        try:
            return await self._sessions.append(
                scope, key, messages, now=now, ttl_seconds=ttl_seconds, strategy=strategy, bound=bound
            )
        except MemoryServerError:
            await self._memories.delete(scope, made)
            raise

    async def _known(self, scope: Scope, key: SessionKey, messages: Sequence[Message], *, now: float) -> set[str]:
        """Ids of the messages that the session has, or has folded."""
        there = await self._messages(scope, key, now=now)
        return there.keys() | await self._sessions.folded(scope, key, messages, now=now)

    async def _messages(self, scope: Scope, key: SessionKey, *, now: float) -> dict[str, Message]:
        session = await self._sessions.get(scope, key, now=now)
        return {} if session is None else {message.id: message for message in session.messages}

    async def _stored(self, scope: Scope, records: Sequence[MemoryWrite], *, now: float) -> list[str]:
        """Store what a session owes; the ids of those that were not there. Raises: Conflict, Forbidden."""
        if not records:
            return []
        results = await self._memories.put(scope, records, now=now)
        made = [result.id for result in results if result.status is PutStatus.CREATED]
        for result in results:
            if result.status is PutStatus.REFUSED:
                await self._memories.delete(scope, made)
                raise Conflict(f"the record id {result.id} is taken; choose another one")
        return made

    async def delete(self, scope: Scope, key: SessionKey, *, now: float) -> bool:
        """See `SessionStore.delete`."""
        return await self._sessions.delete(scope, key, now=now)

    async def list(
        self, scope: Scope, *, namespace: str | None, user_id: str | None, limit: int, offset: int, now: float
    ) -> SessionPage:
        """See `SessionStore.list`."""
        return await self._sessions.list(
            scope, namespace=namespace, user_id=user_id, limit=limit, offset=offset, now=now
        )

    async def owed_extractions(
        self, *, now: float, limit: int, after: OwedSession | None = None
    ) -> Sequence[OwedSession]:
        """See `SessionStore.owed_extractions`."""
        return await self._sessions.owed_extractions(now=now, limit=limit, after=after)

    async def unextracted(
        self, scope: Scope, key: SessionKey, *, now: float, limit: int, before: int
    ) -> Unextracted | None:
        """See `SessionStore.unextracted`."""
        return await self._sessions.unextracted(scope, key, now=now, limit=limit, before=before)

    async def mark_extracted(
        self,
        scope: Scope,
        key: SessionKey,
        messages: Sequence[Message],
        *,
        now: float,
        records: Sequence[MemoryWrite] = (),
    ) -> Marked:
        """See `SessionStore.mark_extracted`; but what was deleted may be read out of the same messages again."""
        known = await self._messages(scope, key, now=now) if records else {}
        unread = [message for message in messages if _unread(known.get(message.id), message)] if records else messages
        others = {message.id for message in messages}.difference(message.id for message in unread)
        supported = [record for record in records if others.isdisjoint(record.memory.extracted_from)]
        stored: Sequence[PutResult] = ()
        if unread and supported:
            stored = await self._memories.put(scope, supported, now=now, deduplicate=True)
        marked = await self._sessions.mark_extracted(scope, key, unread, now=now)
        return replace(marked, records=tuple(stored))

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
        """See `SessionStore.fold`."""
        return await self._sessions.fold(
            scope, key, messages, context=context, if_context=if_context, tokens=tokens, now=now
        )

    async def folded(self, scope: Scope, key: SessionKey, messages: Sequence[Message], *, now: float) -> set[str]:
        """See `SessionStore.folded`."""
        return await self._sessions.folded(scope, key, messages, now=now)

    async def folded_digests(self, key: SessionKey, *, now: float) -> Mapping[str, bytes]:
        """See `SessionStore.folded_digests`."""
        return await self._sessions.folded_digests(key, now=now)

    async def note_folded(self, key: SessionKey, digests: Mapping[str, bytes], *, now: float) -> None:
        """See `SessionStore.note_folded`."""
        await self._sessions.note_folded(key, digests, now=now)

    async def owed_foldings(self, *, now: float, limit: int, after: OwedSession | None = None) -> Sequence[OwedSession]:
        """See `SessionStore.owed_foldings`."""
        return await self._sessions.owed_foldings(now=now, limit=limit, after=after)

    async def uncounted(self, *, now: float, limit: int) -> Sequence[SessionKey]:
        """See `SessionStore.uncounted`."""
        return await self._sessions.uncounted(now=now, limit=limit)

    async def counted(
        self, scope: Scope, key: SessionKey, *, revision: int, tokens: int, outgrown: bool, now: float
    ) -> bool:
        """See `SessionStore.counted`."""
        return await self._sessions.counted(scope, key, revision=revision, tokens=tokens, outgrown=outgrown, now=now)

    async def purge_expired(self, *, now: float, limit: int = 1000) -> int:
        """See `SessionStore.purge_expired`."""
        return await self._sessions.purge_expired(now=now, limit=limit)


def _unread(stored: Message | None, message: Message) -> bool:
    return stored is not None and same_message(stored, message) and not stored.discrete_memory_extracted
