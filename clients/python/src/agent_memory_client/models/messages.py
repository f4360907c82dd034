"""A message of a session: as it is answered, and as it is checked on the way in."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from agent_memory_client.models.enums import ExtractedFlag
from agent_memory_client.models.fields import Id, LongText, Role, UtcDatetime, WireModel, new_id, utc_now


class MemoryMessage(WireModel):
    """One turn of a conversation."""

    role: str
    """user, assistant, system, tool, or any other word"""
    content: str
    id: str = Field(default_factory=new_id)
    created_at: datetime = Field(default_factory=utc_now)
    persisted_at: datetime | None = None
    """when the message became a long-term record; null when it did not"""
    discrete_memory_extracted: ExtractedFlag = "f"


class MessageInput(MemoryMessage):
    """A message in a request.

    `"created_at" in message.model_fields_set` tells whether the caller gave a time; null is refused. An empty or
    blank content passes here: the server refuses it with a status of its own (400).
    """

    role: Role
    content: LongText
    id: Id = Field(default_factory=new_id)
    created_at: UtcDatetime = Field(default_factory=utc_now)
    persisted_at: UtcDatetime | None = None


def refuse_repeated_ids(messages: list[MessageInput]) -> list[MessageInput]:
    """The same messages. Raises ValueError when two share an id: one of them could never be addressed."""
    seen: dict[str, int] = {}
    for index, message in enumerate(messages):
        first = seen.setdefault(message.id, index)
        if first != index:
            raise ValueError(f"messages[{index}] has the id of messages[{first}]: {message.id!r}")
    return messages
