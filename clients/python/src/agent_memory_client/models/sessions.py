"""Working memory: a session's messages, structured memories, data and running summary."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field

from agent_memory_client.models.enums import StrategyName
from agent_memory_client.models.fields import (
    Int,
    JsonObject,
    LongText,
    ScopeValue,
    StrictRequest,
    Ttl,
    UtcDatetime,
    WireModel,
    absent,
    utc_now,
)
from agent_memory_client.models.limits import MAX_MESSAGES, MAX_RECORDS
from agent_memory_client.models.messages import MemoryMessage, MessageInput, refuse_repeated_ids
from agent_memory_client.models.records import ClientMemoryRecord, MemoryRecord

_Messages: TypeAlias = Annotated[
    list[MessageInput], Field(max_length=MAX_MESSAGES), AfterValidator(refuse_repeated_ids)
]
_NewMessages: TypeAlias = Annotated[
    list[MessageInput], Field(min_length=1, max_length=MAX_MESSAGES), AfterValidator(refuse_repeated_ids)
]


class MemoryStrategyConfig(WireModel):
    """How long-term memories are extracted from a session."""

    strategy: StrategyName = "discrete"
    config: dict[str, Any] = Field(default_factory=dict)


class StrategyInput(MemoryStrategyConfig):
    """A strategy in a request."""

    config: JsonObject = Field(default_factory=dict)


class WorkingMemory(WireModel):
    """A session as a caller of the client fills it in."""

    messages: list[MemoryMessage] = Field(default_factory=list)
    memories: list[MemoryRecord | ClientMemoryRecord] = Field(default_factory=list)
    data: dict[str, Any] | None = None
    context: str | None = None
    """running summary of the messages that are no longer there"""
    user_id: str | None = None
    tokens: int = 0
    session_id: str
    namespace: str | None = None
    long_term_memory_strategy: MemoryStrategyConfig = Field(default_factory=MemoryStrategyConfig)
    ttl_seconds: int | None = None
    """seconds from the last write until the session ends; null keeps it"""
    last_accessed: datetime = Field(default_factory=utc_now)


class WorkingMemoryResponse(WorkingMemory):
    """A session as it is stored.

    The percentages (0 … 100) are null when neither a model nor a context window was named; token_encoding is the one by
    which their tokens were counted, null when these are estimated. `revision` grows with each change. new_session and
    unsaved come from old servers only.
    """

    created_at: datetime = Field(default_factory=utc_now)
    updated_at: datetime = Field(default_factory=utc_now)
    context_percentage_total_used: float | None = None
    context_percentage_until_summarization: float | None = None
    token_encoding: str | None = Field(default=None, exclude_if=absent)
    revision: int | None = Field(default=None, exclude_if=absent)
    new_session: bool | None = Field(default=None, exclude_if=absent)
    unsaved: bool | None = Field(default=None, exclude_if=absent)


class UpdateWorkingMemory(WireModel):
    """The whole new state of a session: what is left out is reset.

    Unknown members are ignored, so a response may be put back as it is. ttl_seconds is at least 1 (the reference
    server took 0 and less for "delete now"; there is a route for that); null means that the session does not end.
    """

    messages: _Messages = Field(default_factory=list)
    memories: Annotated[list[ClientMemoryRecord], Field(max_length=MAX_RECORDS)] = Field(default_factory=list)
    data: JsonObject | None = None
    context: LongText | None = None
    user_id: ScopeValue | None = None
    tokens: Int = 0
    namespace: ScopeValue | None = None
    long_term_memory_strategy: StrategyInput = Field(default_factory=StrategyInput)
    ttl_seconds: Ttl | None = None
    last_accessed: UtcDatetime = Field(default_factory=utc_now)
    created_at: UtcDatetime = Field(default_factory=utc_now)
    updated_at: UtcDatetime = Field(default_factory=utc_now)


class AppendMessagesRequest(StrictRequest):
    """Messages to add behind the last one of a session, which is made when it is not there.

    A message whose id and content the session holds already is left as it is, so a request may be repeated.
    ttl_seconds, long_term_memory_strategy: null keeps what the session has.
    """

    messages: _NewMessages
    user_id: ScopeValue | None = None
    namespace: ScopeValue | None = None
    ttl_seconds: Ttl | None = None
    long_term_memory_strategy: StrategyInput | None = None


class AppendMessagesResponse(WireModel):
    """The session after an append. `messages` are those of the request, as they are stored."""

    session_id: str
    namespace: str | None = None
    user_id: str | None = None
    revision: int
    message_count: int
    """all messages of the session"""
    messages: list[MemoryMessage] = Field(default_factory=list)


class SessionListResponse(WireModel):
    """A page of session ids. `total` counts all that match; one id appears once for each user that has it."""

    sessions: list[str]
    total: int
