"""Trying what extraction would read out of a session."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent_memory_client.models.fields import Id, ScopeValue, StrictRequest, WireModel
from agent_memory_client.models.records import MemoryRecord


class ExtractMemoriesRequest(StrictRequest):
    """A session whose latest messages are to be read, to see what would be remembered."""

    session_id: Id
    namespace: ScopeValue | None = None
    user_id: ScopeValue | None = None
    dry_run: Annotated[Literal[True], Field(description="nothing is stored: sessions are read in the background")] = (
        True
    )


class RefusedExtraction(WireModel):
    """A sentence that looked like a memory and is none, with the reason in words."""

    message_id: str
    quote: str
    reason: str


class ExtractMemoriesResponse(WireModel):
    """What would be stored, in the order of the conversation, and what was left out."""

    memories: list[MemoryRecord]
    refused: list[RefusedExtraction]
