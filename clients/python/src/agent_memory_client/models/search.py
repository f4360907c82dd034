"""Searching and listing long-term records."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from agent_memory_client.models.enums import SearchModeEnum, TextScorer
from agent_memory_client.models.fields import Flag, QueryText, StrictRequest, UtcDatetime, WireModel, absent
from agent_memory_client.models.filters import (
    CreatedAt,
    Entities,
    EventDate,
    ExtractionStrategy,
    LastAccessed,
    MemoryType,
    Namespace,
    SessionId,
    Topics,
    UserId,
)
from agent_memory_client.models.limits import MAX_DAYS, MAX_OFFSET, MAX_PAGE, MAX_WEIGHT
from agent_memory_client.models.records import MemoryRecord, MemoryRecordResult

Alpha: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Threshold: TypeAlias = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Relevance: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Weight: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=MAX_WEIGHT, allow_inf_nan=False)]
HalfLife: TypeAlias = Annotated[float, Field(strict=True, gt=0, le=MAX_DAYS, allow_inf_nan=False)]
"""Days; values below 0.001 act as 0.001."""

Limit: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=MAX_PAGE)]
Offset: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=MAX_OFFSET)]


class SearchRequest(StrictRequest):
    """What to look for. Without text (null, empty or blank), the records that pass the filters are listed.

    distance_threshold: semantic mode only (the server refuses others with 400); cosine distance, 0 … 2, where 2 and
    above admit everything. text_scorer is accepted and has no effect. The recency weights default to 0.8 (semantic),
    0.2 (recency), 0.6 (freshness) and 0.4 (novelty), the half lives to 7 (last access) and 30 days (created).
    """

    text: QueryText | None = None
    search_mode: SearchModeEnum = SearchModeEnum.SEMANTIC
    hybrid_alpha: Alpha = 0.7
    """share of meaning against words in hybrid mode: 1 is meaning alone. A request that leaves it out gets the server's
    own mixture, 0.5; the value shown as the default here is the wire format's, which clients may send."""
    text_scorer: TextScorer = "BM25STD"
    session_id: SessionId | None = None
    namespace: Namespace | None = None
    topics: Topics | None = None
    entities: Entities | None = None
    created_at: CreatedAt | None = None
    last_accessed: LastAccessed | None = None
    user_id: UserId | None = None
    distance_threshold: Threshold | None = None
    memory_type: MemoryType | None = None
    extraction_strategy: ExtractionStrategy | None = None
    event_date: EventDate | None = None
    limit: Limit = 10
    offset: Offset = 0
    recency_boost: Flag | None = None
    """null means on"""
    recency_semantic_weight: Weight | None = None
    recency_recency_weight: Weight | None = None
    recency_freshness_weight: Weight | None = None
    recency_novelty_weight: Weight | None = None
    recency_half_life_last_access_days: HalfLife | None = None
    recency_half_life_created_days: HalfLife | None = None
    server_side_recency: Flag | None = None
    include_superseded: Flag = False
    """also superseded records and earlier versions; each tells `superseded_by`"""
    as_of: UtcDatetime | None = None
    """only what was current at this time, as it was then"""
    min_relevance: Relevance | None = None
    """leaves out results whose `relevance` is below this; no effect in a listing"""
    now: UtcDatetime | None = None
    """from when on words like "yesterday" in the text count in hybrid mode; default: as_of, else the server's clock"""
    explain: Flag = False
    """adds to each result how each ranking saw it"""


class RecencyConfig(WireModel):
    """The recency options of a search, under short names; null leaves the server's default."""

    recency_boost: bool | None = None
    semantic_weight: float | None = None
    recency_weight: float | None = None
    freshness_weight: float | None = None
    novelty_weight: float | None = None
    half_life_last_access_days: float | None = None
    half_life_created_days: float | None = None
    server_side_recency: bool | None = None


class MemoryRecordResultsResponse(WireModel):
    """A page of results, best first.

    total: records in the whole ranking or listing. next_offset: where the next page begins; null on the last one.
    degraded: sentences on what could not run and how the search went on without it; absent when all ran.
    """

    memories: list[MemoryRecordResult]
    total: int
    next_offset: int | None = None
    degraded: list[str] | None = Field(default=None, exclude_if=absent)


MemoryRecordResults = MemoryRecordResultsResponse


class MemoryHistoryResponse(WireModel):
    """A record and what it superseded: the record first, then earlier versions and merged or contradicted records,
    those first that were current last. total: how many there are."""

    id: str
    versions: list[MemoryRecord]
    total: int


class MemoryListResponse(WireModel):
    """A page of a listing. `next_cursor` asks for the page behind it; null on the last one."""

    memories: list[MemoryRecord]
    total: int
    next_cursor: str | None = None
