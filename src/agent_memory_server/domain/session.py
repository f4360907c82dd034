"""Working memory: a session's messages, data, structured memories and running summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent_memory_server.domain.memory import Memory


@dataclass(frozen=True, slots=True)
class SessionKey:
    """What identifies a session. namespace and user_id are "" where the session has none."""

    namespace: str
    user_id: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn. `created_at` and `persisted_at` are Unix seconds; `persisted_at` None: not in long-term memory."""

    id: str
    role: str
    content: str
    created_at: float
    persisted_at: float | None = None
    discrete_memory_extracted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How long-term memories are to be extracted from a session."""

    name: str = "discrete"
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it is stored.

    revision: 0 before it is stored; the store gives 1 at creation and adds one with each change.
    ttl_seconds: None never expires; else the session ends that long after its last write.
    Times are Unix seconds. `message_count` counts all stored messages, also when only some were read.
    owed_since: when the first of the messages was stored that extraction has not read; None when it has read all.
        The store keeps it: what a written session says of it counts for nothing.
    """

    key: SessionKey
    created_at: float
    updated_at: float
    last_accessed: float
    messages: tuple[Message, ...] = ()
    memories: tuple[Memory, ...] = ()
    data: Mapping[str, Any] | None = None
    context: str | None = None
    tokens: int = 0
    strategy: Strategy = field(default_factory=Strategy)
    ttl_seconds: int | None = None
    revision: int = 0
    message_count: int = 0
    owed_since: float | None = None
