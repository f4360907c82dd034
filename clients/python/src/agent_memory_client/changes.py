"""Changes to a session, as functions of what it holds: nothing here talks to a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from agent_memory_client.exceptions import MemoryValidationError
from agent_memory_client.models.messages import MemoryMessage

MergeStrategy: TypeAlias = Literal["replace", "merge", "deep_merge"]
MessageLike: TypeAlias = Mapping[str, Any] | MemoryMessage


def plain_message(message: MessageLike) -> dict[str, Any]:
    """A message's members. Raises: MemoryValidationError (a ValueError), when it is not one."""
    if isinstance(message, MemoryMessage):
        return message.model_dump()
    if not isinstance(message, Mapping):
        raise MemoryValidationError(
            f"All messages must be dictionaries or MemoryMessage objects, not a {type(message).__name__}"
        )
    if "role" not in message or "content" not in message:
        raise MemoryValidationError("All messages must have 'role' and 'content' keys")
    return {name: member for name, member in message.items() if member is not None}


def merged(old: Mapping[str, Any] | None, new: Mapping[str, Any], strategy: str) -> dict[str, Any]:
    """The data after an update. replace: the new alone; merge: its members over the old ones; deep_merge: the same at
    every level of objects.

    Raises: MemoryValidationError for any other strategy.
    """
    if strategy == "replace":
        return dict(new)
    if strategy == "merge":
        return {**(old or {}), **new}
    if strategy == "deep_merge":
        return _deeply_merged(old or {}, new)
    raise MemoryValidationError(f"merge_strategy is 'replace', 'merge' or 'deep_merge', not {strategy!r}")


def _deeply_merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for name, value in new.items():
        before = result.get(name)
        both_objects = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[name] = _deeply_merged(before, value) if both_objects else value  # type: ignore[arg-type]
    return result


def with_records(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], *, replace: bool
) -> list[Mapping[str, Any]]:
    """A session's structured memories after some were added: one whose id is there already takes its place."""
    records = {} if replace else {str(record["id"]): record for record in old}
    records.update({str(record["id"]): record for record in new})
    return list(records.values())
