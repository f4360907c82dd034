"""Working memory: write sessions, append turns, read them back.

What a session owes long-term memory is written in the same step as the session: each message becomes a
searchable record (where messages are indexed), and so does each structured memory. Records stand beside the
messages and never replace them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent_memory_server.domain.errors import Conflict, NotFound
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import Session, SessionKey, Strategy
from agent_memory_server.domain.strategies import refuse_bad_strategy
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import place, require
from agent_memory_server.operations.extraction_queue import queue_extraction
from agent_memory_server.operations.messages import GivenMessage, checked
from agent_memory_server.operations.promote import message_records, promoted
from agent_memory_server.operations.rebuild import rebuilt
from agent_memory_server.operations.remember import refuse_blank
from agent_memory_server.operations.summarize import queue_summary
from agent_memory_server.operations.window import Usage, Window, bound_of, fitting, usage
from agent_memory_server.ports.session_store import Appended, SessionPage

_ATTEMPTS = 20
"""A put that names no revision reads again when others wrote meanwhile; its last attempt writes over all of it."""


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


async def put_session(
    app: Application,
    principal: Principal,
    write: SessionWrite,
    window: Window,
    *,
    if_revision: int | None = None,
) -> SessionView:
    """Store exactly this session in place of what was there, and what it owes long-term memory. Messages that were
    folded into the session's summary stay folded when they are given again.

    Raises: InvalidRequest, RequestRefused (messages), Forbidden, Conflict (if_revision), Unavailable.
    """
    now = app.clock()
    namespace, user_id = place(principal, Action.WRITE, write.key.namespace, write.key.user_id)
    key = SessionKey(namespace, user_id, write.key.session_id)
    refuse_blank(write.session.memories)
    refuse_bad_strategy(write.session.strategy)
    messages = tuple(checked(write.messages, app.options, now))
    session = replace(write.session, key=key, messages=messages, updated_at=now, revision=0)
    for attempt in range(_ATTEMPTS):
        stored = await app.sessions.get(principal.scope, key, now=now)
        left = await _without_folded(app, principal.scope, session, stored, now)
        owed = promoted(app.options, left, stored, now)
        for record in owed.records:
            place(principal, Action.WRITE, record.memory.namespace, record.memory.user_id)
        seen = stored.revision if stored else 0
        # What is owed follows from what is stored, so it must still be; who names no revision does not hear of it.
        wanted = seen if if_revision is None and attempt < _ATTEMPTS - 1 else if_revision
        complete = replace(left, messages=owed.messages, memories=owed.memories)
        try:
            result = await app.sessions.put(
                principal.scope,
                complete,
                now=now,
                if_revision=wanted,
                records=owed.records,
                bound=bound_of(app, window),
            )
        except Conflict:
            if if_revision is not None or not await _moved_on(app, principal.scope, key, seen, now):
                raise
            continue
        if owed.records:
            app.owed.set()
            app.stored.set()
        await queue_extraction(app, result, now=now)
        await queue_summary(app, result, now=now)
        missing = any(message.created_at is None for message in write.messages)
        return SessionView(session=result, usage=await usage(app, result.messages, window), missing_times=missing)
    raise Conflict(f"session {key.session_id} is being changed by others; try again")


async def _without_folded(
    app: Application, scope: Scope, session: Session, stored: Session | None, now: float
) -> Session:
    """The session without messages that the stored summary has taken the place of, and with that summary.

    Clients send whole conversations again and again, and mostly know nothing of the summary. One that gives another
    summary means what it says: then all is stored as it is given. A summary that folding left empty is one, too.
    """
    if stored is None or stored.context is None or session.context not in (None, "", stored.context):
        return session
    there = {message.id for message in stored.messages}
    again = [message for message in session.messages if message.id not in there]
    folded = await app.sessions.folded(scope, session.key, again, now=now) if again else set()
    if not folded:
        return session
    left = tuple(message for message in session.messages if message.id not in folded)
    return replace(session, messages=left, context=stored.context)


async def _moved_on(app: Application, scope: Scope, key: SessionKey, seen: int, now: float) -> bool:
    stored = await app.sessions.get(scope, key, now=now, last=0)
    return (stored.revision if stored else 0) != seen


async def append_messages(
    app: Application,
    principal: Principal,
    key: SessionKey,
    given: Sequence[GivenMessage],
    *,
    ttl_seconds: int | None = None,
    strategy: Strategy | None = None,
    window: Window | None = None,
) -> tuple[Appended, bool]:
    """Add messages behind the last one; what others appended meanwhile stays. Makes the session when there is none.

    window: the session is folded into it when it has outgrown it; where it names neither a model nor a size, into the
    one that the session has, else with a chat model into the default one.
    Returns the session's head with the stored messages, and whether a message lacked its time.
    Raises: as `put_session`; Conflict, when a message id is there with other content.
    """
    now = app.clock()
    namespace, user_id = place(principal, Action.WRITE, key.namespace, key.user_id)
    placed = SessionKey(namespace, user_id, key.session_id)
    if strategy is not None:
        refuse_bad_strategy(strategy)
    messages = checked(given, app.options, now)
    records = message_records(app.options, placed, messages, now)
    if records:
        messages = [replace(m, persisted_at=now) if m.persisted_at is None else m for m in messages]
    named = window if window is not None else Window()
    appended = await app.sessions.append(
        principal.scope,
        placed,
        messages,
        now=now,
        ttl_seconds=ttl_seconds,
        strategy=strategy,
        records=records,
        bound=bound_of(app, named, otherwise=app.chat is not None),
    )
    if records:
        app.owed.set()
    await queue_extraction(app, appended.session, now=now)
    await queue_summary(app, appended.session, now=now)
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
        session = await rebuilt(app, scope, key, last)
    if session is None:
        raise NotFound(f"Session {session_id} not found")
    kept, used = await fitting(app, session.messages, window)
    return SessionView(session=replace(session, messages=kept), usage=used)


async def delete_session(
    app: Application, principal: Principal, session_id: str, *, namespace: str | None, user_id: str | None
) -> bool:
    """Delete the session that `get_session` would find stored; whether there was one. Long-term records stay."""
    scope = require(principal, Action.WRITE)
    now = app.clock()
    if await app.sessions.delete(scope, SessionKey(namespace or "", user_id or "", session_id), now=now):
        return True
    other = await _resolved(app, scope, session_id, namespace or None, user_id or None, now)
    return await app.sessions.delete(scope, other, now=now) if other else False


async def list_sessions(
    app: Application, principal: Principal, *, namespace: str | None, user_id: str | None, limit: int, offset: int
) -> SessionPage:
    """Sessions the caller may read, oldest first, with the true total. Empty or None leaves a part open."""
    scope = require(principal, Action.READ)
    return await app.sessions.list(
        scope, namespace=namespace or None, user_id=user_id or None, limit=limit, offset=offset, now=app.clock()
    )
