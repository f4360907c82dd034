"""What makes two messages the same, and which lists of them a session can hold. Every store keeps to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.session import Message, SessionKey


def same_message(one: Message, other: Message) -> bool:
    """Whether two messages of one id tell the same."""
    return (one.role, one.content) == (other.role, other.content)


def message_digest(message: Message) -> bytes:
    """16 bytes that messages share which tell the same (`same_message`)."""
    told = json.dumps([message.role, message.content]).encode()
    return hashlib.blake2b(told, digest_size=16).digest()


def other_content(message: Message) -> Conflict:
    """The refusal of a message whose id is taken, by one that is there or one that was folded."""
    return Conflict(f"message {message.id} is there already with another role or content")


def distinct(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages without exact repeats of an id. Raises: Conflict, when one id has two contents."""
    by_id: dict[str, Message] = {}
    for message in messages:
        if not same_message(by_id.setdefault(message.id, message), message):
            raise other_content(message)
    return tuple(by_id.values())


def other_revision(key: SessionKey, wanted: int, found: int) -> Conflict:
    """The refusal of a write that asks for a revision. wanted: 0 asks that no session is there."""
    if not wanted:
        return Conflict(f"session {key.session_id} is there already, at revision {found}")
    return Conflict(f"session {key.session_id} is at revision {found}, not {wanted}")
