"""Rows of sessions and messages to values, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy

_MEMORY_FIELDS = tuple(field.name for field in fields(Memory))
_TUPLES = ("topics", "entities", "extracted_from")
_MAPPINGS = ("extraction_strategy_config", "metadata")


@dataclass(frozen=True, slots=True)
class Head:
    """A stored session without its messages.

    next_position: where the next message goes. held: tokens of its messages, None: not counted yet.
    """

    sid: int
    next_position: int
    session: Session
    held: int | None = 0


def _memory_values(memory: Memory) -> dict[str, Any]:
    values = {name: getattr(memory, name) for name in _MEMORY_FIELDS}
    return values | {name: dict(values[name]) for name in _MAPPINGS}


def _memory(values: dict[str, Any]) -> Memory:
    tuples = {name: tuple(values[name]) for name in _TUPLES}
    return Memory(**values | tuples | {"memory_type": MemoryType(values["memory_type"])})


def head_from_row(key: SessionKey, row: tuple[Any, ...]) -> Head:
    """A row of the query `head`."""
    (sid, next_position, revision, message_count, tokens, context, data, memories, strategy, strategy_config) = row[:10]
    ttl_seconds, created_at, updated_at, last_accessed, owed_since, outgrown_since, speakers, held, window = row[10:]
    session = Session(
        key=key,
        created_at=created_at,
        updated_at=updated_at,
        last_accessed=last_accessed,
        memories=tuple(map(_memory, json.loads(memories))),
        data=None if data is None else json.loads(data),
        context=context,
        tokens=tokens,
        strategy=Strategy(name=strategy, config=json.loads(strategy_config)),
        ttl_seconds=ttl_seconds,
        revision=revision,
        message_count=message_count,
        owed_since=owed_since,
        outgrown_since=outgrown_since,
        speakers=tuple(json.loads(speakers)),
        window=window,
    )
    return Head(sid, next_position, session, held)


def session_values(session: Session, *, now: float) -> dict[str, Any]:
    """What the queries `insert` and `replace` take: all but revision and messages. Its time to live begins at `now`."""
    return {
        "namespace": session.key.namespace,
        "user_id": session.key.user_id,
        "session_id": session.key.session_id,
        "tokens": session.tokens,
        "context": session.context,
        "data": None if session.data is None else json.dumps(dict(session.data)),
        "memories": json.dumps([_memory_values(memory) for memory in session.memories]),
        "strategy": session.strategy.name,
        "strategy_config": config_json(session.strategy),
        "ttl_seconds": session.ttl_seconds,
        "expires_at": expiry(session.ttl_seconds, now),
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "last_accessed": session.last_accessed,
    }


def config_json(strategy: Strategy) -> str:
    """A strategy's settings as they are stored."""
    return json.dumps(dict(strategy.config))


def expiry(ttl_seconds: int | None, now: float) -> float | None:
    """When a session written at `now` ends (Unix seconds); None: never."""
    return None if ttl_seconds is None else now + ttl_seconds


def message_from_row(row: tuple[Any, ...]) -> tuple[int, Message]:
    """A row of the queries for messages: position and message."""
    position, id_, role, content, created_at, persisted_at, extracted = row
    message = Message(
        id=id_,
        role=role,
        content=content,
        created_at=created_at,
        persisted_at=persisted_at,
        discrete_memory_extracted=bool(extracted),
    )
    return position, message


def message_values(message: Message) -> tuple[Any, ...]:
    """What can change of a stored message: role, content, times and the mark of extraction."""
    return (
        message.role,
        message.content,
        message.created_at,
        message.persisted_at,
        int(message.discrete_memory_extracted),
    )
