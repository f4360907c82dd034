"""Bring together memories that say the same, and let a newer one take the place of what it contradicts.

Each record is compared once after its text was stored, with its nearest neighbours of the same namespace, user and
type. What was compared is noted in the store, so a run that is cut off is taken up again, and nothing is looked at
twice. Every step is conditional on the revisions it was decided on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.errors import Conflict, NotFound
from agent_memory_server.domain.filters import Filter, TextField, only
from agent_memory_server.domain.memory import Memory, Superseding
from agent_memory_server.domain.query import Mode, StoreQuery
from agent_memory_server.domain.sameness import Relation, relation
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.memory_store import Supersession

COMPARE_AT_ONCE = 64
CANDIDATES = 20
"""Nearest neighbours that a record is compared with."""

_NEVER = "summary"
"""Strategy whose records stand for a whole conversation: they are no facts."""

_OWN = frozenset({"source", "extracted_by", "kind", "event_date_granularity"})
"""Metadata that the server gives a record by itself: of two, the one that stays keeps its own, and the other's stay
readable in the history."""


async def consolidate(app: Application) -> int:
    """Compare all that was not compared yet; how many records were. Raises: Unavailable; nothing is lost by it."""
    compared = 0
    while app.options.consolidate and (done := await _compare_some(app)):
        compared += done
    return compared


async def _compare_some(app: Application) -> int:
    batch = await app.memories.uncompared(limit=COMPARE_AT_ONCE)
    vectors = await app.memories.vectors([record.id for record in batch])
    compared: list[tuple[str, int]] = []
    superseded: set[str] = set()
    for record in batch:
        if record.id in superseded or record.id not in vectors:
            continue
        try:
            staying, gone = await _compare(app, record, vectors[record.id])
        except (Conflict, NotFound):
            continue  # somebody else changed one of them: the next run looks again
        superseded |= gone
        compared.append((staying.id, staying.revision))
    await app.memories.mark_compared(compared)
    return len(compared)


async def _compare(app: Application, record: Memory, vector: NDArray[np.float32]) -> tuple[Memory, set[str]]:
    """The record that stays in the end, and the ids of those that it, or one before it, superseded."""
    gone: set[str] = set()
    if record.extraction_strategy == _NEVER:
        return record, gone
    staying = record
    # What it contradicts comes first: merged into an older record it would no longer be the newer one.
    near = await _neighbours(app, record, vector)
    near.sort(key=lambda other: relation(record.text, other.text) is not Relation.CONTRADICTION)
    for other in near:
        step = _step(staying, other, app.clock())
        if step is None:
            continue
        staying = await app.memories.supersede(EVERYWHERE, step)
        gone.update(id_ for id_, _ in step.gone)
        if step.because is Superseding.CONTRADICTED and record.id in gone:
            break
    return staying, gone


async def _neighbours(app: Application, record: Memory, vector: NDArray[np.float32]) -> list[Memory]:
    """Nearest first, the record itself left out."""
    place = Scope(frozenset({record.namespace}), frozenset({record.user_id}))
    query = StoreQuery(
        mode=Mode.SEMANTIC,
        filter=Filter((only(TextField.MEMORY_TYPE, record.memory_type.value),)),
        vector=vector,
        alpha=1.0,
        within=app.options.duplicate_distance,
        limit=CANDIDATES + 1,
    )
    ranked = await app.memories.search(place, query)
    near = [hit.memory for hit in ranked.hits if hit.memory.id != record.id]
    return [memory for memory in near if memory.extraction_strategy != _NEVER][:CANDIDATES]


def _step(one: Memory, other: Memory, now: float) -> Supersession | None:
    """What is to be done about two records, if anything."""
    match relation(one.text, other.text):
        case Relation.SAME:
            return _merge(one, other, now)
        case Relation.CONTRADICTION:
            older, newer = sorted((one, other), key=_since)
            if older.pinned or _since(older) == _since(newer):
                return None
            gone = ((older.id, older.revision),)
            return Supersession(by=newer, gone=gone, because=Superseding.CONTRADICTED, at=_since(newer))
        case Relation.DIFFERENT:
            return None


def _since(memory: Memory) -> float:
    return memory.created_at if memory.valid_from is None else memory.valid_from


def _merge(one: Memory, other: Memory, now: float) -> Supersession | None:
    """One record out of two that say the same, with all that both hold; None where it could not hold both."""
    # A pinned record stays, else the older one, so that the ids that callers know longest are kept.
    kept, gone = sorted((one, other), key=lambda memory: (not memory.pinned, memory.created_at, memory.id))
    metadata = _united(kept.metadata, gone.metadata)
    dates = {date for date in (kept.event_date, gone.event_date) if date is not None}
    if gone.pinned or metadata is None or len(dates) > 1:
        return None
    persisted = [time for time in (kept.persisted_at, gone.persisted_at) if time is not None]
    merged = replace(
        kept,
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
    return Supersession(by=merged, gone=((gone.id, gone.revision),), because=Superseding.MERGED, at=now)


def _united(kept: Mapping[str, Any], gone: Mapping[str, Any]) -> dict[str, Any] | None:
    if any(kept[name] != gone[name] for name in kept.keys() & gone.keys() - _OWN):
        return None
    return {**gone, **kept}
