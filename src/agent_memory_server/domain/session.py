"""Working memory: a session's messages, data, structured memories and running summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


MOST_SPEAKERS = 20


def with_speakers(known: Iterable[str], messages: Iterable[Message]) -> tuple[str, ...]:
    """Those that are known, and those of the messages; bounded."""
    found = dict.fromkeys(known)
    for message in messages:
        if len(found) >= MOST_SPEAKERS:
            break
        found.setdefault(message.role)
    return tuple(found)


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
    outgrown_since: since when it is to be folded, as it has outgrown its window; None when it has not.
    speakers: the roles of all its messages so far, folded ones too, in the order in which they first spoke; the first
        MOST_SPEAKERS of them.
    window: tokens that it is to fit, as a write named them (`domain.bound`); None when none did.
    The store keeps these four: what a written session says of them counts for nothing.
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
    outgrown_since: float | None = None
    speakers: tuple[str, ...] = ()
    window: int | None = None
