"""A prompt built from memory: what to ask for, and the messages that come back."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from agent_memory_client.models.fields import (
    Flag,
    Id,
    Int,
    ModelName,
    QueryText,
    ScopeValue,
    StrictRequest,
    WireModel,
    absent,
)
from agent_memory_client.models.records import MemoryRecordResult
from agent_memory_client.models.search import SearchRequest
from agent_memory_client.models.sessions import StrategyInput


class WorkingMemoryRequest(StrictRequest):
    """The session whose messages go into the prompt. long_term_memory_strategy is accepted and not used."""

    session_id: Id
    namespace: ScopeValue | None = None
    user_id: ScopeValue | None = None
    model_name: ModelName | None = None
    context_window_max: Int | None = None
    """tokens"""
    long_term_memory_strategy: StrategyInput | None = None


def _kind_of_search(value: object) -> str:
    return "flag" if isinstance(value, bool) else "search"


# Decided by the value's kind, so that an error speaks of the search alone and not also of a flag.
_Search: TypeAlias = Annotated[
    Annotated[SearchRequest, Tag("search")] | Annotated[Flag, Tag("flag")], Discriminator(_kind_of_search)
]


class MemoryPromptRequest(StrictRequest):
    """What the prompt is to hold. long_term_search: true searches for the query with the server's own settings."""

    query: QueryText
    session: WorkingMemoryRequest | None = None
    long_term_search: _Search | None = None


class TextContent(WireModel):
    """The text of a prompt's message, in the form of the Model Context Protocol."""

    type: Literal["text"] = "text"
    text: str
    annotations: dict[str, Any] | None = None
    meta: dict[str, Any] | None = Field(default=None, alias="_meta")


class PromptMessage(WireModel):
    """One message of a prompt."""

    role: Literal["user", "assistant", "system"]
    content: TextContent


class MemoryPromptResponse(WireModel):
    """A prompt: summary, conversation, memories, query. long_term_memories: null when none were searched or found."""

    messages: list[PromptMessage]
    long_term_memories: list[MemoryRecordResult] | None = None
    degraded: list[str] | None = Field(default=None, exclude_if=absent)
    """sentences on what the search could not run; absent when all ran"""
