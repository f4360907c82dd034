"""The filters of a search: what each one takes is told in `agent_memory_client.models.filters`."""

from __future__ import annotations

from agent_memory_client.models.filters import (
    CreatedAt,
    Entities,
    EventDate,
    ExtractionStrategy,
    LastAccessed,
    MemoryType,
    Namespace,
    SessionId,
    TagFilter,
    TimeFilter,
    Topics,
    UserId,
)

__all__ = [
    "CreatedAt",
    "Entities",
    "EventDate",
    "ExtractionStrategy",
    "LastAccessed",
    "MemoryType",
    "Namespace",
    "SessionId",
    "TagFilter",
    "TimeFilter",
    "Topics",
    "UserId",
]
