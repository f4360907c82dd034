"""What each tool does: one operation, its result as the members of the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from agent_memory_client.models import SearchRequest, StrategyInput, UpdateWorkingMemory
from agent_memory_client.models.fields import new_id
from agent_memory_server.domain.errors import NotFound, RequestRefused
from agent_memory_server.domain.principal import Principal
from agent_memory_server.domain.session import Session, SessionKey
from agent_memory_server.interfaces.convert import search as wire
from agent_memory_server.interfaces.convert.filters import place_filter
from agent_memory_server.interfaces.convert.records import acknowledged, changes_of, extraction, memory_of, record
from agent_memory_server.interfaces.convert.sessions import (
    appended_answer,
    messages_of,
    session_answer,
    session_list,
    write_of,
)
from agent_memory_server.interfaces.mcp import arguments as given
from agent_memory_server.operations import context, converse
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.compact import compact
from agent_memory_server.operations.converse import SessionView
from agent_memory_server.operations.extract import try_extraction
from agent_memory_server.operations.forget import delete
from agent_memory_server.operations.reading import Reading
from agent_memory_server.operations.recall import recall
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.revise import revise
from agent_memory_server.operations.rewrite import optimized_search
from agent_memory_server.operations.search import search
from agent_memory_server.operations.window import Window

Members: TypeAlias = dict[str, Any]
Run: TypeAlias = Callable[[Application, Principal, Any], Awaitable[Members]]


async def get_current_datetime(app: Application, _principal: Principal, _args: given.Nothing) -> Members:
    """The server's time, in whole seconds."""
    now = int(app.clock())
    return {"iso_utc": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "unix_ts": now}


async def create_long_term_memories(app: Application, principal: Principal, args: given.Create) -> Members:
    """Store the memories; duplicates are always left out."""
    now = app.clock()
    memories = [memory_of(memory, memory.id, now) for memory in args.memories]
    return acknowledged(await remember(app, principal, memories, deduplicate=True))


async def search_long_term_memory(app: Application, principal: Principal, args: given.Search) -> Members:
    """The page of results, exactly as over REST."""
    find = optimized_search if args.optimize_query else search
    return wire.results(await find(app, principal, wire.question_of(args.request())))


async def memory_prompt(app: Application, principal: Principal, args: given.Prompt) -> Members:
    """The prompt's messages. Raises: RequestRefused, when neither a session nor a search is asked for."""
    if args.session_id is None and not args.include_long_term_search:
        raise RequestRefused("Either session_id or include_long_term_search=True must be provided")
    request = args.request()
    session = None
    if args.session_id is not None and args.session_id.eq:
        session = context.PromptSession(
            session_id=args.session_id.eq,
            namespace=args.namespace.eq if args.namespace else None,
            user_id=args.user_id.eq if args.user_id else None,
            window=wire.window_of(args.model_name, args.context_window_max),
        )
    long_term = wire.question_of(request) if args.include_long_term_search else None
    built = await context.memory_prompt(
        app, principal, args.query, session=session, long_term=long_term, optimize=args.optimize_query
    )
    members = wire.prompt(built)
    for message in members["messages"]:
        message["content"]["meta"] = message["content"].pop("_meta")
    return members


async def set_working_memory(app: Application, principal: Principal, args: given.SetSession) -> Members:
    """Replace the session. What callers say about persistence is not taken over: the server decides it."""
    # The session's user is every memory's user, also where a memory names another one.
    alone = {"persisted_at": None, "user_id": args.user_id}
    body = UpdateWorkingMemory.model_construct(
        messages=[message.model_copy(update={"persisted_at": None}) for message in args.messages or ()],
        memories=[memory.model_copy(update=alone) for memory in args.memories or ()],
        data=args.data or {},
        context=args.context,
        user_id=args.user_id,
        namespace=args.namespace,
        ttl_seconds=args.ttl_seconds,
        long_term_memory_strategy=args.long_term_memory_strategy or StrategyInput(),
    )
    write = write_of(args.session_id, body, new_id=new_id, now=app.clock())
    view = await converse.put_session(app, principal, write, Window())
    return session_answer(view, data=view.session.data)


async def append_working_memory_messages(app: Application, principal: Principal, args: given.Append) -> Members:
    """Add messages behind the last one."""
    key = SessionKey(args.namespace or "", args.user_id or "", args.session_id)
    messages = messages_of(args.messages, new_id)
    appended, _ = await converse.append_messages(app, principal, key, messages, ttl_seconds=args.ttl_seconds)
    return appended_answer(appended)


async def get_working_memory(app: Application, principal: Principal, args: given.GetSession) -> Members:
    """The session; an empty one, that is not stored, when there is none. A failure is never an empty session."""
    last = args.recent_messages_limit
    try:
        view = await converse.get_session(
            app,
            principal,
            args.session_id,
            namespace=args.namespace,
            user_id=args.user_id,
            window=Window(),
            last=last if last is not None and last > 0 else None,
        )
    except NotFound:
        now = app.clock()
        key = SessionKey(args.namespace or "", args.user_id or "", args.session_id)
        view = SessionView(session=Session(key=key, created_at=now, updated_at=now, last_accessed=now))
    answer = session_answer(view, data=view.session.data or {})
    if not args.try_extraction:
        return answer
    if not view.session.messages:
        return answer | {"extraction": extraction(Reading((), ()))}
    reading = await try_extraction(app, principal, args.session_id, namespace=args.namespace, user_id=args.user_id)
    return answer | {"extraction": extraction(reading)}


async def list_sessions(app: Application, principal: Principal, args: given.ListSessions) -> Members:
    """A page of session ids."""
    return session_list(
        await converse.list_sessions(
            app,
            principal,
            namespace=args.namespace,
            user_id=args.user_id,
            limit=args.limit,
            offset=args.offset,
        )
    )


async def get_long_term_memory(app: Application, principal: Principal, args: given.Get) -> Members:
    """One record."""
    return record(await recall(app, principal, args.memory_id))


async def edit_long_term_memory(app: Application, principal: Principal, args: given.Edit) -> Members:
    """The record after the change."""
    return record(await revise(app, principal, args.memory_id, changes_of(args)))


async def delete_long_term_memories(app: Application, principal: Principal, args: given.Delete) -> Members:
    """How many there were."""
    deleted = await delete(app, principal, args.memory_ids)
    return {"status": f"ok, deleted {deleted} memories"}


async def compact_long_term_memories(app: Application, principal: Principal, args: given.Compact) -> Members:
    """How many remain."""
    filter_ = place_filter(namespace=args.namespace, user_id=args.user_id, session_id=args.session_id)
    return {"status": f"ok, {await compact(app, principal, filter_)} memories remaining after compaction"}


async def recent(app: Application, principal: Principal, place: given.Place, limit: int) -> Members:
    """The newest memories of a place, for a client that attaches them as a whole."""
    fields = {"namespace": place.namespace, "user_id": place.user_id}
    request = SearchRequest.model_validate({"limit": limit, **{name: value for name, value in fields.items() if value}})
    return wire.results(await search(app, principal, wire.question_of(request)))


CALLS: Mapping[str, Run] = {
    call.__name__: call
    for call in (
        get_current_datetime,
        create_long_term_memories,
        search_long_term_memory,
        memory_prompt,
        set_working_memory,
        append_working_memory_messages,
        get_working_memory,
        list_sessions,
        get_long_term_memory,
        edit_long_term_memory,
        delete_long_term_memories,
        compact_long_term_memories,
    )
}
"""What runs a tool, by its name."""
