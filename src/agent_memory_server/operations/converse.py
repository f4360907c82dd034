"""Working memory: write sessions, append turns, read them back.

What a session owes long-term memory is written in the same step as the session: each message becomes a
searchable record (where messages are indexed), and so does each structured memory. Records stand beside the
messages and never replace them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent_memory_server.domain.errors import NotFound
from agent_memory_server.domain.filters import Filter, TextField, only
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.query import Order
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import place, require
from agent_memory_server.operations.messages import GivenMessage, checked, message_record, structured_record
from agent_memory_server.operations.remember import refuse_blank
from agent_memory_server.operations.window import Usage, Window, fitting, usage
from agent_memory_server.ports.memory_store import MemoryWrite
from agent_memory_server.ports.session_store import Appended, SessionPage

_REBUILT_MESSAGES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A session as a caller sees it. missing_times: the request left out a message's `created_at`."""

    session: Session
    usage: Usage | None = None
    missing_times: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWrite:
    """A whole session as a request gives it; times in Unix seconds, None where the request has none."""

    key: SessionKey
    messages: tuple[GivenMessage, ...] = ()
    session: Session
    """the rest of the session: everything but key, messages and revision is taken from here"""


def _message_records(app: Application, key: SessionKey, messages: Sequence[Message], now: float) -> list[MemoryWrite]:
    if not (app.options.long_term and app.options.index_messages):
        return []
    return [message_record(key, message, now) for message in messages if message.persisted_at is None]


def _known(stored: Session | None, messages: Sequence[Message]) -> list[Message]:
    """The messages, each unchanged one with the `persisted_at` that the store has: clients rarely send it back."""
    before = {m.id: m for m in stored.messages} if stored else {}
    result = []
    for message in messages:
        old = before.get(message.id)
        same = old is not None and (old.role, old.content) == (message.role, message.content)
        result.append(replace(message, persisted_at=old.persisted_at) if same and old is not None else message)
    return result


async def put_session(
    app: Application,
    principal: Principal,
    write: SessionWrite,
    window: Window,
    *,
    if_revision: int | None = None,
) -> SessionView:
    """Store exactly this session in place of what was there, and what it owes long-term memory.

    Raises: InvalidRequest, RequestRefused (messages), Forbidden, Conflict (if_revision), Unavailable.
    """
    now = app.clock()
    namespace, user_id = place(principal, Action.WRITE, write.key.namespace, write.key.user_id)
    key = SessionKey(namespace, user_id, write.key.session_id)
    stored = await app.sessions.get(principal.scope, key, now=now)
    messages = _known(stored, checked(write.messages, app.options, now))
    records = _message_records(app, key, messages, now)
    persisted = {record.memory.extracted_from[0] for record in records}
    messages = [replace(m, persisted_at=now) if m.id in persisted else m for m in messages]
    refuse_blank(write.session.memories)
    memories = list(write.session.memories)
    if app.options.long_term:
        for index, memory in enumerate(memories):
            if memory.persisted_at is None:
                record = structured_record(key, memory, write.session.strategy, now)
                place(principal, Action.WRITE, record.memory.namespace, record.memory.user_id)
                records.append(record)
                memories[index] = record.memory
    session = replace(
        write.session, key=key, messages=tuple(messages), memories=tuple(memories), updated_at=now, revision=0
    )
    result = await app.sessions.put(principal.scope, session, now=now, if_revision=if_revision, records=records)
    if records:
        app.owed.set()
    missing = any(message.created_at is None for message in write.messages)
    return SessionView(session=result, usage=usage(app, result.messages, window), missing_times=missing)


async def append_messages(
    app: Application,
    principal: Principal,
    key: SessionKey,
    given: Sequence[GivenMessage],
    *,
    ttl_seconds: int | None = None,
    strategy: Strategy | None = None,
) -> tuple[Appended, bool]:
    """Add messages behind the last one; what others appended meanwhile stays. Makes the session when there is none.

    Returns the session's head with the stored messages, and whether a message lacked its time.
    Raises: as `put_session`; Conflict, when a message id is there with other content.
    """
    now = app.clock()
    namespace, user_id = place(principal, Action.WRITE, key.namespace, key.user_id)
    placed = SessionKey(namespace, user_id, key.session_id)
    messages = checked(given, app.options, now)
    records = _message_records(app, placed, messages, now)
    if records:
        messages = [replace(m, persisted_at=now) if m.persisted_at is None else m for m in messages]
    appended = await app.sessions.append(
        principal.scope, placed, messages, now=now, ttl_seconds=ttl_seconds, strategy=strategy, records=records
    )
    if records:
        app.owed.set()
    return appended, any(message.created_at is None for message in given)


async def _resolved(
    app: Application, scope: Scope, session_id: str, namespace: str | None, user_id: str | None, now: float
) -> SessionKey | None:
    """The key of the one session that the request can mean; None when there is none, or more than one."""
    keys = await app.sessions.find(scope, session_id, namespace=namespace, user_id=user_id, now=now)
    return keys[0] if len(keys) == 1 else None


async def get_session(
    app: Application,
    principal: Principal,
    session_id: str,
    *,
    namespace: str | None,
    user_id: str | None,
    window: Window,
    last: int | None = None,
) -> SessionView:
    """The session of exactly this place, or the only one with this id that the caller may read; cut to the window.

    last: at most that many messages, the latest. Raises: NotFound, Forbidden, Unavailable (never NotFound for a
    failure).
    """
    scope = require(principal, Action.READ)
    now = app.clock()
    key = SessionKey(namespace or "", user_id or "", session_id)
    session = await app.sessions.get(scope, key, now=now, last=last)
    if session is None:
        other = await _resolved(app, scope, session_id, namespace or None, user_id or None, now)
        session = await app.sessions.get(scope, other, now=now, last=last) if other else None
    if session is None:
        session = await _rebuilt(app, scope, key, last)
    if session is None:
        raise NotFound(f"Session {session_id} not found")
    kept = fitting(app, session.messages, window)
    return SessionView(session=replace(session, messages=kept), usage=usage(app, kept, window))


async def _rebuilt(app: Application, scope: Scope, key: SessionKey, last: int | None) -> Session | None:
    """A session whose working memory is gone, from its message records; None when there are none."""
    if not (app.options.long_term and app.options.index_messages):
        return None
    conditions = [only(TextField.SESSION_ID, key.session_id), only(TextField.MEMORY_TYPE, MemoryType.MESSAGE.value)]
    if key.namespace:
        conditions.append(only(TextField.NAMESPACE, key.namespace))
    if key.user_id:
        conditions.append(only(TextField.USER_ID, key.user_id))
    page = await app.memories.list(
        scope, Filter(tuple(conditions)), order=Order.NEWEST, limit=last or _REBUILT_MESSAGES
    )
    places = {(memory.namespace, memory.user_id) for memory in page.memories}
    if len(places) != 1:
        return None  # none, or sessions of several users: not to be mixed
    namespace, user_id = places.pop()
    messages = []
    for memory in sorted(page.memories, key=lambda m: (m.created_at, m.id)):
        role, separator, content = memory.text.partition(": ")
        if separator:
            id_ = memory.extracted_from[0] if memory.extracted_from else memory.id
            messages.append(
                Message(
                    id=id_,
                    role=role.lower(),
                    content=content,
                    created_at=memory.created_at,
                    persisted_at=memory.persisted_at,
                    discrete_memory_extracted=memory.discrete_memory_extracted,
                )
            )
    if not messages:
        return None
    started = messages[0].persisted_at or messages[0].created_at
    return Session(
        key=SessionKey(namespace, user_id, key.session_id),
        created_at=started,
        updated_at=messages[-1].created_at,
        last_accessed=messages[-1].created_at,
        messages=tuple(messages),
        data={},
        context="",
        message_count=len(messages),
    )


async def delete_session(
    app: Application, principal: Principal, session_id: str, *, namespace: str | None, user_id: str | None
) -> bool:
    """Delete the session that `get_session` would find stored; whether there was one. Long-term records stay."""
    scope = require(principal, Action.WRITE)
    if await app.sessions.delete(scope, SessionKey(namespace or "", user_id or "", session_id)):
        return True
    other = await _resolved(app, scope, session_id, namespace or None, user_id or None, app.clock())
    return await app.sessions.delete(scope, other) if other else False


async def list_sessions(
    app: Application, principal: Principal, *, namespace: str | None, user_id: str | None, limit: int, offset: int
) -> SessionPage:
    """Sessions the caller may read, oldest first, with the true total. Empty or None leaves a part open."""
    scope = require(principal, Action.READ)
    return await app.sessions.list(
        scope, namespace=namespace or None, user_id=user_id or None, limit=limit, offset=offset, now=app.clock()
    )
