"""Long-term records between wire and domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent_memory_client.models import (
    ClientMemoryRecord,
    CreateMemoryRecordRequest,
    EditMemoryRecordRequest,
    ExtractedMemoryRecord,
)
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.query import Evidence, Hit, Page
from agent_memory_server.interfaces.convert.times import given, iso, iso_or_none, unix, unix_or_none
from agent_memory_server.operations.reading import Reading
from agent_memory_server.operations.remember import Remembered
from agent_memory_server.ports.memory_store import PutStatus

_CAUSES = {PutStatus.REPLACED: "same_id", PutStatus.DUPLICATE: "same_content"}
_NOT_STORED = "the id belongs to a record outside the scope of this credential"


def memory_of(record: ExtractedMemoryRecord | ClientMemoryRecord, memory_id: str, now: float) -> Memory:
    """The record as a domain value, under the given id. Times the request left out are `now`."""
    return Memory(
        id=memory_id,
        text=record.text,
        created_at=given(record, "created_at", now),
        updated_at=given(record, "updated_at", now),
        last_accessed=given(record, "last_accessed", now),
        namespace=record.namespace or "",
        user_id=record.user_id or "",
        session_id=record.session_id or "",
        memory_type=MemoryType(record.memory_type.value),
        topics=tuple(record.topics or ()),
        entities=tuple(record.entities or ()),
        persisted_at=unix_or_none(record.persisted_at),
        event_date=unix_or_none(record.event_date),
        pinned=record.pinned,
        access_count=record.access_count,
        memory_hash=record.memory_hash or "",
        discrete_memory_extracted=record.discrete_memory_extracted == "t",
        extraction_strategy=record.extraction_strategy,
        extraction_strategy_config=record.extraction_strategy_config,
        extracted_from=tuple(record.extracted_from or ()),
        metadata=record.metadata,
    )


def memories_of(request: CreateMemoryRecordRequest, now: float) -> list[Memory]:
    """The records to create."""
    # One microsecond apart, so that their order lasts: it tells which of two that contradict each other is the newer.
    return [memory_of(one, one.id, round(now + n * 1e-6, 6)) for n, one in enumerate(request.memories)]


def changes_of(request: EditMemoryRecordRequest) -> dict[str, Any]:
    """The members to change, as fields of `Memory`."""
    changes = request.changes()
    for name in ("topics", "entities"):
        if name in changes:
            changes[name] = tuple(changes[name])
    if "event_date" in changes:
        changes["event_date"] = unix(changes["event_date"])
    if "memory_type" in changes:
        changes["memory_type"] = MemoryType(changes["memory_type"].value)
    return changes


def record(memory: Memory) -> dict[str, Any]:
    """The members of a `MemoryRecord`, in the order of the model."""
    members: dict[str, Any] = {
        "id": memory.id,
        "text": memory.text,
        "session_id": memory.session_id or None,
        "user_id": memory.user_id or None,
        "namespace": memory.namespace or None,
        "last_accessed": iso(memory.last_accessed),
        "created_at": iso(memory.created_at),
        "updated_at": iso(memory.updated_at),
        "pinned": memory.pinned,
        "access_count": memory.access_count,
        "topics": memory.topics,
        "entities": memory.entities,
        "memory_hash": memory.memory_hash or None,
        "discrete_memory_extracted": "t" if memory.discrete_memory_extracted else "f",
        "memory_type": memory.memory_type._value_,  # `value` is a property written in Python, and this is a hot place
        "persisted_at": iso_or_none(memory.persisted_at),
        "extracted_from": memory.extracted_from,
        "event_date": iso_or_none(memory.event_date),
        "extraction_strategy": memory.extraction_strategy,
        "extraction_strategy_config": memory.extraction_strategy_config,
        "metadata": memory.metadata,
        "revision": memory.revision,
    }
    # What there is to tell of its time as the current one: only what is set, as most records have nothing.
    if memory.valid_from is not None:
        members["valid_from"] = iso(memory.valid_from)
    if memory.superseded_by:
        members["superseded_by"] = memory.superseded_by
        members["superseded_because"] = memory.superseded_because
        members["valid_until"] = iso_or_none(memory.valid_until)
    return members


def history(memory_id: str, versions: Sequence[Memory]) -> dict[str, Any]:
    """The members of a `MemoryHistoryResponse`."""
    return {"id": memory_id, "versions": [record(memory) for memory in versions], "total": len(versions)}


def _arms(evidence: Evidence) -> list[str]:
    """What found a result. Behind the candidates of a hybrid search the ranking goes on by distance, then by words."""
    found = [
        name
        for name, there in (
            ("meaning", evidence.dense_rank is not None),
            ("words", evidence.keyword_rank is not None),
            ("date", evidence.date_factor > 1.0),
        )
        if there
    ]
    if found:
        return found
    if evidence.similarity is not None:
        return ["neighbour"]
    return ["meaning" if evidence.distance is not None else "words"]


def _explanation(evidence: Evidence) -> dict[str, Any]:
    return {
        "arms": _arms(evidence),
        "dense_rank": evidence.dense_rank,
        "distance": evidence.distance,
        "keyword_rank": evidence.keyword_rank,
        "bm25": evidence.bm25,
        "matched_words": evidence.matched_words,
        "span": evidence.span,
        "similarity": evidence.similarity,
        "words": evidence.words,
        "share": evidence.share,
        "factor": evidence.factor,
        "date_factor": evidence.date_factor,
        "also": evidence.also,
        "rerank": evidence.rerank,
    }


def result(hit: Hit) -> dict[str, Any]:
    """The members of a `MemoryRecordResult`; `explain` where the search kept its evidence."""
    members = record(hit.memory)
    members["dist"] = hit.dist
    members["score"] = hit.score
    members["score_type"] = hit.mode._value_ if hit.mode else None
    if hit.relevance is not None:
        members["relevance"] = round(hit.relevance, 4)
    if hit.evidence is not None:
        members["explain"] = _explanation(hit.evidence)
    return members


def page(found: Page) -> dict[str, Any]:
    """The members of a `MemoryListResponse`."""
    return {
        "memories": [record(memory) for memory in found.memories],
        "total": found.total,
        "next_cursor": found.cursor,
    }


def extraction(reading: Reading) -> dict[str, Any]:
    """The members of an `ExtractMemoriesResponse`."""
    refused = [{"message_id": one.message_id, "quote": one.quote, "reason": one.reason} for one in reading.refused]
    return {"memories": [record(memory) for memory in reading.memories], "refused": refused}


def _outcome(remembered: Remembered) -> dict[str, Any]:
    if remembered.superseded:
        return {"id": remembered.id, "status": "superseded", "because": "same_id_later"}
    if remembered.status is PutStatus.REFUSED:
        return {"id": remembered.given_id, "status": "failed", "reason": _NOT_STORED}
    members: dict[str, Any] = {"id": remembered.id, "status": remembered.status.value}
    if remembered.id != remembered.given_id:
        members["given_id"] = remembered.given_id
    if remembered.status in _CAUSES:
        members["because"] = _CAUSES[remembered.status]
    if not remembered.embedded:
        members["embedded"] = False
    return members


def acknowledged(remembered: Sequence[Remembered]) -> dict[str, Any]:
    """The members of the `AckResponse` of a create request: `ok` only when every record is where it should be."""
    items = [_outcome(one) for one in remembered]
    failed = sum(item["status"] == "failed" for item in items)
    return {"status": f"partial, {failed} of {len(items)} not stored" if failed else "ok", "items": items}
