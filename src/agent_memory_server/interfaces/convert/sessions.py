"""Working memory between wire and domain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from agent_memory_client.models import ClientMemoryRecord, MessageInput, StrategyInput, UpdateWorkingMemory
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy
from agent_memory_server.interfaces.convert.records import memory_of, record
from agent_memory_server.interfaces.convert.times import given, iso, iso_or_none, unix, unix_or_none
from agent_memory_server.operations.converse import SessionView, SessionWrite
from agent_memory_server.operations.messages import GivenMessage
from agent_memory_server.ports.session_store import Appended, SessionPage

NewId = Callable[[], str]


def messages_of(messages: Sequence[MessageInput], new_id: NewId) -> tuple[GivenMessage, ...]:
    """The messages of a request; those without an id get one."""
    return tuple(
        GivenMessage(
            id=message.id if "id" in message.model_fields_set else new_id(),
            role=message.role,
            content=message.content,
            created_at=unix(message.created_at) if "created_at" in message.model_fields_set else None,
            persisted_at=unix_or_none(message.persisted_at),
            discrete_memory_extracted=message.discrete_memory_extracted == "t",
        )
        for message in messages
    )


def _memories_of(records: Iterable[ClientMemoryRecord], new_id: NewId, now: float) -> tuple[Memory, ...]:
    return tuple(
        memory_of(record_, record_.id if "id" in record_.model_fields_set else new_id(), now) for record_ in records
    )


def strategy_of(strategy: StrategyInput) -> Strategy:
    """How memories are to be extracted."""
    return Strategy(name=strategy.strategy, config=strategy.config)


def write_of(session_id: str, body: UpdateWorkingMemory, *, new_id: NewId, now: float) -> SessionWrite:
    """A whole session as the request gives it; the id in the path wins over any in the body."""
    key = SessionKey(body.namespace or "", body.user_id or "", session_id)
    session = Session(
        key=key,
        created_at=given(body, "created_at", now),
        updated_at=now,
        last_accessed=given(body, "last_accessed", now),
        memories=_memories_of(body.memories, new_id, now),
        data=body.data,
        context=body.context,
        tokens=body.tokens,
        strategy=strategy_of(body.long_term_memory_strategy),
        ttl_seconds=body.ttl_seconds,
    )
    return SessionWrite(key=key, messages=messages_of(body.messages, new_id), session=session)


def message(stored: Message) -> dict[str, Any]:
    """The members of a `MemoryMessage`."""
    return {
        "role": stored.role,
        "content": stored.content,
        "id": stored.id,
        "created_at": iso(stored.created_at),
        "persisted_at": iso_or_none(stored.persisted_at),
        "discrete_memory_extracted": "t" if stored.discrete_memory_extracted else "f",
    }


def session_answer(view: SessionView, *, data: Any) -> dict[str, Any]:
    """The members of a `WorkingMemoryResponse`. data: what to show as the session's data."""
    session = view.session
    usage = view.usage
    return {
        "messages": [message(one) for one in session.messages],
        "memories": [record(memory) for memory in session.memories],
        "data": data,
        "context": session.context,
        "user_id": session.key.user_id or None,
        "tokens": session.tokens,
        "session_id": session.key.session_id,
        "namespace": session.key.namespace or None,
        "long_term_memory_strategy": {"strategy": session.strategy.name, "config": session.strategy.config},
        "ttl_seconds": session.ttl_seconds,
        "last_accessed": iso(session.last_accessed),
        "created_at": iso(session.created_at),
        "updated_at": iso(session.updated_at),
        "context_percentage_total_used": usage.total_used if usage else None,
        "context_percentage_until_summarization": usage.until_summarization if usage else None,
        "revision": session.revision,
    } | ({"token_encoding": usage.encoding} if usage and usage.encoding else {})


def appended_answer(appended: Appended) -> dict[str, Any]:
    """The members of an `AppendMessagesResponse`."""
    session = appended.session
    return {
        "session_id": session.key.session_id,
        "namespace": session.key.namespace or None,
        "user_id": session.key.user_id or None,
        "revision": session.revision,
        "message_count": session.message_count,
        "messages": [message(one) for one in appended.messages],
    }


def session_list(page: SessionPage) -> dict[str, Any]:
    """The members of a `SessionListResponse`."""
    return {"sessions": [key.session_id for key in page.keys], "total": page.total}
