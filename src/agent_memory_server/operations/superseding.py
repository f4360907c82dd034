"""What is done about two memories of one place: merge them, let the newer one take the other's place, or nothing. Pure.

Merging keeps what both hold; where one record cannot hold it (two event dates, a member of the metadata with two
values, a pinned text that would change), both stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agent_memory_server.domain.decision import Reason
from agent_memory_server.domain.memory import Memory, Superseding, hash_of
from agent_memory_server.domain.sameness import Relation
from agent_memory_server.operations.judge import Verdict
from agent_memory_server.ports.memory_store import Supersession

_OWN = frozenset({"source", "extracted_by", "kind", "event_date_granularity"})
"""Metadata that the server gives a record by itself: of two, the one that stays keeps its own, and the other's stay
readable in the history."""


def step_for(one: Memory, other: Memory, verdict: Verdict, now: float) -> Supersession | Reason | None:
    """What is to be done about two records; why it is not, though the verdict asks for it; None where it asks for
    nothing. A new text of the one that stays has no vector yet."""
    match verdict.relation:
        case Relation.SAME:
            return _merge(one, other, verdict.text, now)
        case Relation.CONTRADICTION:
            return _replace(one, other)
        case Relation.DIFFERENT:
            return None


def _replace(one: Memory, other: Memory) -> Supersession | Reason:
    """The one that tells of a later time takes the place of the other."""
    since = _event if one.event_date is not None and other.event_date is not None else _told
    if since(one) == since(other):
        since = _told
    older, newer = sorted((one, other), key=since)
    if older.pinned:
        return Reason.PINNED
    if since(older) == since(newer):
        return Reason.NOT_NEWER
    gone = ((older.id, older.revision),)
    return Supersession(by=newer, gone=gone, because=Superseding.CONTRADICTED, at=since(newer))


def _event(memory: Memory) -> float:
    return _told(memory) if memory.event_date is None else memory.event_date


def _told(memory: Memory) -> float:
    return memory.created_at if memory.valid_from is None else memory.valid_from


def _merge(one: Memory, other: Memory, text: str, now: float) -> Supersession | Reason:
    """One record out of two that say the same, with all that both hold; why not, where it could not hold both."""
    # A pinned record stays, else the older one, so that the ids that callers know longest are kept.
    kept, gone = sorted((one, other), key=lambda memory: (not memory.pinned, memory.created_at, memory.id))
    metadata = _united(kept.metadata, gone.metadata)
    dates = {date for date in (kept.event_date, gone.event_date) if date is not None}
    changed = bool(text) and text != kept.text
    if gone.pinned or (kept.pinned and changed):
        return Reason.PINNED
    if metadata is None:
        return Reason.METADATA
    if len(dates) > 1:
        return Reason.EVENT_DATES
    persisted = [time for time in (kept.persisted_at, gone.persisted_at) if time is not None]
    merged = replace(
        kept,
        text=text or kept.text,
        updated_at=now,
        last_accessed=max(kept.last_accessed, gone.last_accessed),
        access_count=kept.access_count + gone.access_count,
        persisted_at=min(persisted, default=None),
        event_date=next(iter(dates), None),
        topics=tuple(dict.fromkeys(kept.topics + gone.topics)),
        entities=tuple(dict.fromkeys(kept.entities + gone.entities)),
        extracted_from=tuple(dict.fromkeys(kept.extracted_from + gone.extracted_from)),
        metadata=metadata,
    )
    if changed:
        merged = replace(merged, memory_hash=hash_of(merged))
    # Both are told since the later one was: of what was told after that, nothing counts as older.
    at = max(_told(kept), _told(gone))
    return Supersession(by=merged, gone=((gone.id, gone.revision),), because=Superseding.MERGED, at=at)


def _united(kept: Mapping[str, Any], gone: Mapping[str, Any]) -> dict[str, Any] | None:
    if any(kept[name] != gone[name] for name in kept.keys() & gone.keys() - _OWN):
        return None
    return {**gone, **kept}
