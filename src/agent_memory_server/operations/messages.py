"""Messages as callers give them, checked and completed; and the long-term records they become."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from agent_memory_server.domain.errors import InvalidRequest, RequestRefused
from agent_memory_server.domain.memory import Memory, MemoryType, hash_of
from agent_memory_server.domain.session import Message, SessionKey, Strategy
from agent_memory_server.operations.options import Options
from agent_memory_server.ports.memory_store import MemoryWrite

TIMESTAMP_NOTICE = (
    "messages[].created_at will become required in the next major version. Please provide timestamps for all messages."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenMessage:
    """A message of a request. created_at: Unix seconds; None when the caller left it out."""

    id: str
    role: str
    content: str
    created_at: float | None = None
    persisted_at: float | None = None
    discrete_memory_extracted: bool = False


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat()


def _time_of(given: GivenMessage, index: int, options: Options, now: float) -> float:
    field = f"messages[{index}].created_at"
    if given.created_at is None:
        if options.require_timestamps:
            raise InvalidRequest(
                "created_at is required for messages. Please provide the timestamp when the message was created.",
                field=field,
            )
        return now
    latest = now + options.max_future_s
    if given.created_at > latest:
        raise InvalidRequest(
            f"created_at cannot be more than {options.max_future_s:g} seconds in the future. "
            f"Received: {_iso(given.created_at)}, "
            f"Max allowed (with {options.max_future_s:g}s tolerance): {_iso(latest)}",
            field=field,
        )
    return given.created_at


def checked(messages: Sequence[GivenMessage], options: Options, now: float) -> list[Message]:
    """The messages, complete. Those without a time get `now`, one microsecond apart, so that their order lasts.

    Raises: InvalidRequest (a time that is missing though required, or too far ahead), RequestRefused (no content).
    """
    result = []
    for index, given in enumerate(messages):
        created_at = _time_of(given, index, options, now)
        if given.created_at is None:
            created_at += index * 1e-6
        if not given.content.strip():
            raise RequestRefused(f"Message content cannot be empty (message ID: {given.id})")
        result.append(
            Message(
                id=given.id,
                role=given.role,
                content=given.content,
                created_at=created_at,
                persisted_at=given.persisted_at,
                discrete_memory_extracted=given.discrete_memory_extracted,
            )
        )
    return result


def record_id(key: SessionKey, message_id: str) -> str:
    """An id for a message's record where another place holds the message's own id: the same for the same message."""
    place = json.dumps([key.namespace, key.user_id, key.session_id, message_id])
    return "msg_" + hashlib.sha256(place.encode()).hexdigest()[:26]


def message_record(key: SessionKey, message: Message, now: float) -> MemoryWrite:
    """The searchable record of a message; its embedding is owed. `extracted_from` names the message."""
    memory = Memory(
        id=message.id,
        text=f"{message.role}: {message.content}",
        namespace=key.namespace,
        user_id=key.user_id,
        session_id=key.session_id,
        memory_type=MemoryType.MESSAGE,
        created_at=message.created_at,
        updated_at=now,
        last_accessed=message.created_at,
        persisted_at=now,
        extraction_strategy="message",
        extracted_from=(message.id,),
    )
    memory = replace(memory, memory_hash=hash_of(memory))
    return MemoryWrite(memory=memory, fallback_id=record_id(key, message.id))


def structured_record(key: SessionKey, memory: Memory, strategy: Strategy, now: float) -> MemoryWrite:
    """The long-term record of a session's structured memory; the session gives it the place it lacks."""
    inherited = replace(
        memory,
        namespace=memory.namespace or key.namespace,
        user_id=memory.user_id or key.user_id,
        session_id=memory.session_id or key.session_id,
        persisted_at=now,
        extraction_strategy=strategy.name,
        extraction_strategy_config=strategy.config,
    )
    return MemoryWrite(memory=replace(inherited, memory_hash=hash_of(inherited)))
