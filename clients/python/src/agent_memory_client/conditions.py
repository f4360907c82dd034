"""What a caller may give for a filter or for a record, as the request takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from agent_memory_client.exceptions import MemoryValidationError
from agent_memory_client.models.fields import new_id
from agent_memory_client.models.filters import MemoryType as MemoryTypeFilter
from agent_memory_client.models.filters import TagFilter, TimeFilter
from agent_memory_client.models.records import MemoryRecord
from agent_memory_client.models.search import RecencyConfig

Tags: TypeAlias = TagFilter | Mapping[str, Any] | str | Sequence[str]
"""A filter object, its members, a string (equals), or a list of strings (any of them)."""

Types: TypeAlias = MemoryTypeFilter | Mapping[str, Any] | str | Sequence[str]
Times: TypeAlias = TimeFilter | Mapping[str, Any]

RecordInput: TypeAlias = MemoryRecord | Mapping[str, Any]
"""A record, or its members: text is needed, id is made when it is missing, memory_type is semantic when it is."""


def plain_filter(condition: Tags | Types | Times) -> object:
    """A filter as the request takes it: an object as its given members, anything else as it is."""
    if isinstance(condition, TagFilter | TimeFilter | MemoryTypeFilter):
        return condition.model_dump(exclude_none=True)
    if isinstance(condition, Mapping):
        return dict(condition)
    return condition if isinstance(condition, str) else list(condition)


def given_filters(filters: Mapping[str, Tags | Types | Times | None]) -> dict[str, object]:
    """The filters that are given, by field."""
    return {name: plain_filter(condition) for name, condition in filters.items() if condition is not None}


def recency_members(recency: RecencyConfig | None) -> dict[str, float | bool]:
    """The recency options under the names that a search request gives them; only those that are set."""
    if recency is None:
        return {}
    own_names = {"recency_boost", "server_side_recency"}
    return {
        (name if name in own_names else f"recency_{name}"): member for name, member in recency if member is not None
    }


def plain_record(record: RecordInput, namespace: str | None, **scope: str | None) -> dict[str, Any]:
    """A record's members, with an id, and with a place where it names none. A record object is filled in place.

    Raises: MemoryValidationError, when it is neither a record nor a mapping.
    """
    if isinstance(record, MemoryRecord):
        if not record.id:
            record.id = new_id()
        if record.namespace is None:
            record.namespace = namespace
        members = record.model_dump(exclude_none=True)
    elif isinstance(record, Mapping):
        members = {name: member for name, member in record.items() if member is not None}
        members["id"] = members.get("id") or new_id()
        if namespace is not None:
            members.setdefault("namespace", namespace)
    else:
        raise MemoryValidationError(f"a memory is a dictionary or a record, not a {type(record).__name__}")
    for name, value in scope.items():
        if value is not None:
            members.setdefault(name, value)
    return members
