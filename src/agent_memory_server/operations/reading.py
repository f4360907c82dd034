"""What reading a conversation gives, whoever reads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent_memory_server.domain.decision import Reason
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.session import Message, SessionKey
from agent_memory_server.operations.context import MEMORIES_HEADING, SUMMARY_HEADING

NO_TURNS = frozenset({"system", "developer", "tool", "function"})
"""Roles of what nobody said to anybody."""
NOT_SPEAKERS = frozenset({"assistant", "ai", "bot", "model"}) | NO_TURNS
"""Roles that no person has."""
_HEADINGS = tuple(heading.strip() for heading in (SUMMARY_HEADING, MEMORIES_HEADING))


WEAK: Final[Mapping[bool, dict[str, Any]]] = {True: {"support": "weak"}, False: {}}
"""What `metadata` says of a memory whose support is weak, which `recall` lets in; nothing of the others."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A sentence that looked like a memory, and why it is none: for people, and, of what a model proposed, the code of
    it."""

    message_id: str
    quote: str
    reason: str
    code: Reason | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading messages gave: records, in the order of the conversation, and what was left out."""

    memories: tuple[Memory, ...]
    refused: tuple[Refused, ...]


def part_of_the_conversation(message: Message) -> bool:
    """Said by a person or the application to the other, and not out of memory."""
    return message.role.lower() not in NO_TURNS and not any(head in message.content for head in _HEADINGS)


def said_by_a_person(message: Message) -> bool:
    """Neither by the application nor out of memory: what a prompt was given is not said again by being stored."""
    return message.role.lower() not in NOT_SPEAKERS and not any(head in message.content for head in _HEADINGS)


def memory_id(key: SessionKey, message_id: str, text: str) -> str:
    """The id of a memory read out of a message: the same for the same text, so that it is never stored twice."""
    content = json.dumps([key.namespace, key.user_id, key.session_id, message_id, text])
    return "mem_" + hashlib.sha256(content.encode()).hexdigest()[:26]
