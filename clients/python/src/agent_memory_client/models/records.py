"""A long-term record: as it is answered, as a search answers it, and as it is checked on the way in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from agent_memory_client.models.enums import ExtractedFlag, MemoryTypeEnum, SearchScoreTypeEnum
from agent_memory_client.models.fields import (
    Count,
    Flag,
    Id,
    JsonObject,
    Labels,
    Name,
    ScopeValue,
    Sources,
    Text,
    UtcDatetime,
    WireModel,
    absent,
    new_id,
    utc_now,
)

RESULT_MEMBERS = frozenset({"dist", "score", "score_type", "relevance", "explain"})
"""Members that only a search result has. A client that stores a result again may send them; they are ignored."""


class MemoryRecord(WireModel):
    """One durable record."""

    id: str
    text: str
    session_id: str | None = None
    user_id: str | None = None
    namespace: str | None = None
    last_accessed: datetime = Field(default_factory=utc_now)
    created_at: datetime = Field(default_factory=utc_now)
    updated_at: datetime = Field(default_factory=utc_now)
    pinned: bool = False
    """exempt from forgetting"""
    access_count: int = 0
    topics: list[str] | None = None
    entities: list[str] | None = None
    memory_hash: str | None = None
    discrete_memory_extracted: ExtractedFlag = "f"
    memory_type: MemoryTypeEnum = MemoryTypeEnum.MESSAGE
    persisted_at: datetime | None = None
    extracted_from: list[str] | None = None
    """ids of the messages the record comes from"""
    event_date: datetime | None = None
    """when what the record tells happened"""
    extraction_strategy: str = "discrete"
    extraction_strategy_config: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    revision: int | None = Field(default=None, exclude_if=absent)
    """1 when created, one more with each change; absent when the server does not tell"""
    superseded_by: str | None = Field(default=None, exclude_if=absent)
    """id of the record that took this one's place; absent while it is current"""
    superseded_because: str | None = Field(default=None, exclude_if=absent)
    """`edited`, `replaced`, `merged` or `contradicted`; absent while it is current"""
    valid_from: datetime | None = Field(default=None, exclude_if=absent)
    """since when this version is current; absent: since `created_at`"""
    valid_until: datetime | None = Field(default=None, exclude_if=absent)
    """until when it was current; absent while it is"""


class SearchExplanation(WireModel):
    """Why a record was found: its rank (from 1) and raw score in each ranking; null where that one did not find it."""

    arms: list[Literal["meaning", "words", "date", "neighbour"]] = Field(default_factory=list)
    """what found it: the ranking by meaning, the one by words, the time that the query names, or the turn beside it"""
    dense_rank: int | None = None
    distance: float | None = None
    """cosine distance, 0 … 2"""
    keyword_rank: int | None = None
    bm25: float | None = None
    matched_words: list[str] = Field(default_factory=list)
    """stemmed words of the query that the record holds"""
    span: tuple[int, int] | None = None
    """where in `text` most of them stand together: the first character, and the one behind the last"""
    similarity: float | None = None
    """cosine similarity with the vectors of the neighbouring turns pooled in; what hybrid mode mixes"""
    words: float | None = None
    """BM25 with the words of the neighbouring turns counted in; what keyword and hybrid mode rank by"""
    share: float | None = None
    """0 … 1: what the record holds with its neighbours of the weight of the query's words; `relevance` builds on it"""
    factor: float = 1.0
    """by what the mixed value was multiplied for the speaker of the turn"""
    date_factor: float = 1.0
    """by what it was multiplied for lying in a time that the query names"""
    also: list[str] = Field(default_factory=list)
    """ids of records that this result stands for: a message and what was read out of it are one result"""
    rerank: float | None = None
    """the score of the re-ranker, on its own scale; null where none took part"""


class MemoryRecordResult(MemoryRecord):
    """A record as a search answers it."""

    dist: float
    """0 … 2, smaller is closer; 0 in a listing"""
    score: float | None = None
    """0 … 1, higher is better; null in a listing"""
    score_type: SearchScoreTypeEnum | None = None
    relevance: float | None = Field(default=None, exclude_if=absent)
    """0 … 1: how likely it answers the query, on one scale for all queries; absent where that cannot be told"""
    explain: SearchExplanation | None = Field(default=None, exclude_if=absent)
    """present when the request asked for it"""


class _RecordInput(MemoryRecord):
    """What every record in a request must satisfy.

    A time that the caller left out is not in `model_fields_set`. memory_type `preference` is stored as a semantic
    memory with the topic `preference`. `revision` and the members on what superseded a record are accepted, and
    ignored.
    """

    id: Id = Field(default_factory=new_id)
    text: Text
    session_id: ScopeValue | None = None
    user_id: ScopeValue | None = None
    namespace: ScopeValue | None = None
    last_accessed: UtcDatetime = Field(default_factory=utc_now)
    created_at: UtcDatetime = Field(default_factory=utc_now)
    updated_at: UtcDatetime = Field(default_factory=utc_now)
    pinned: Flag = False
    access_count: Count = 0
    topics: Labels | None = None
    entities: Labels | None = None
    memory_hash: Name | None = None
    persisted_at: UtcDatetime | None = None
    extracted_from: Sources | None = None
    event_date: UtcDatetime | None = None
    extraction_strategy: Name = "discrete"
    extraction_strategy_config: JsonObject = Field(default_factory=dict)
    metadata: JsonObject = Field(default_factory=dict)
    superseded_by: Id | None = Field(default=None, exclude_if=absent)
    superseded_because: Name | None = Field(default=None, exclude_if=absent)
    valid_from: UtcDatetime | None = Field(default=None, exclude_if=absent)
    valid_until: UtcDatetime | None = Field(default=None, exclude_if=absent)

    @model_validator(mode="before")
    @classmethod
    def _accept_preference(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("memory_type") != "preference":
            return value
        topics = value.get("topics")
        if topics is None:
            topics = []
        if isinstance(topics, list) and "preference" not in topics:
            topics = [*topics, "preference"]
        return {**value, "memory_type": MemoryTypeEnum.SEMANTIC, "topics": topics}


class ExtractedMemoryRecord(_RecordInput):
    """A record to create: a memory as it is to be stored, with an id that the caller chooses.

    Unknown members are refused, so a misspelt one is not lost silently; the members that only results have are ignored.
    """

    model_config = ConfigDict(extra="forbid")

    id: Id
    discrete_memory_extracted: ExtractedFlag = "t"
    memory_type: MemoryTypeEnum = MemoryTypeEnum.SEMANTIC

    @model_validator(mode="before")
    @classmethod
    def _ignore_result_members(cls, value: Any) -> Any:
        if isinstance(value, dict) and not RESULT_MEMBERS.isdisjoint(value):
            return {name: member for name, member in value.items() if name not in RESULT_MEMBERS}
        return value


class ClientMemoryRecord(_RecordInput):
    """A record in a session's memories. The id may be left out; unknown members are ignored."""
