"""What each tool accepts: the wire format's own models, put together as the tools' parameters.

Every rule of a field is that of the wire format; here it is only said which fields a tool has. Unknown names are
refused before these models see them (`reading`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from agent_memory_client.models import (
    ClientMemoryRecord,
    EditMemoryRecordRequest,
    ExtractedMemoryRecord,
    MemoryRecord,
    MessageInput,
    SearchRequest,
    StrategyInput,
)
from agent_memory_client.models.enums import ExtractedFlag, MemoryTypeEnum, SearchModeEnum
from agent_memory_client.models.fields import (
    Flag,
    Id,
    Int,
    JsonObject,
    LongText,
    ModelName,
    QueryText,
    ScopeValue,
    StrictRequest,
    Ttl,
    UtcDatetime,
    new_id,
)
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
from agent_memory_client.models.limits import MAX_INT, MAX_MESSAGES, MAX_OFFSET, MAX_PAGE, MAX_RECORDS
from agent_memory_client.models.messages import refuse_repeated_ids
from agent_memory_client.models.search import HalfLife, Limit, Offset, Relevance, Threshold, Weight

MemoryT = TypeVar("MemoryT", bound=MemoryRecord)
_MOST_IDS = 1000


class Place(StrictRequest):
    """Whose memory a call means; null and "" are not given."""

    user_id: ScopeValue | None = None
    namespace: ScopeValue | None = None


class Nothing(StrictRequest):
    """A tool without parameters."""


class MemoryInput(ExtractedMemoryRecord):
    """A memory to store; the id may be left out."""

    id: Id = Field(default_factory=new_id)


def _without_blank_texts(memories: list[MemoryT]) -> list[MemoryT]:
    for index, memory in enumerate(memories):
        if not memory.text.strip():
            raise ValueError(f"Memory text cannot be empty (memories[{index}])")
    return memories


class SessionMemory(ClientMemoryRecord):
    """A memory of a session: what `MemoryInput` accepts."""

    model_config = ConfigDict(extra="forbid")

    discrete_memory_extracted: ExtractedFlag = "t"
    memory_type: MemoryTypeEnum = MemoryTypeEnum.SEMANTIC


_Memories = Annotated[list[MemoryInput], Field(max_length=MAX_RECORDS), AfterValidator(_without_blank_texts)]
_SessionMemories = Annotated[list[SessionMemory], Field(max_length=MAX_RECORDS), AfterValidator(_without_blank_texts)]
_Messages = Annotated[list[MessageInput], Field(max_length=MAX_MESSAGES), AfterValidator(refuse_repeated_ids)]
_NewMessages = Annotated[
    list[MessageInput], Field(min_length=1, max_length=MAX_MESSAGES), AfterValidator(refuse_repeated_ids)
]


class Create(StrictRequest):
    """Memories to store."""

    memories: _Memories


class _Ranking(StrictRequest):
    """What a search and a prompt have in common."""

    search_mode: SearchModeEnum = SearchModeEnum.SEMANTIC
    session_id: SessionId | None = None
    namespace: Namespace | None = None
    topics: Topics | None = None
    entities: Entities | None = None
    created_at: CreatedAt | None = None
    last_accessed: LastAccessed | None = None
    user_id: UserId | None = None
    memory_type: MemoryType | None = None
    event_date: EventDate | None = None
    distance_threshold: Threshold | None = None
    min_relevance: Relevance | None = None
    limit: Limit = 10
    offset: Offset = 0
    optimize_query: Flag = False
    recency_boost: Flag | None = None
    recency_semantic_weight: Weight | None = None
    recency_recency_weight: Weight | None = None
    recency_freshness_weight: Weight | None = None
    recency_novelty_weight: Weight | None = None
    recency_half_life_last_access_days: HalfLife | None = None
    recency_half_life_created_days: HalfLife | None = None
    server_side_recency: Flag | None = None

    _not_searched: ClassVar[frozenset[str]] = frozenset({"optimize_query"})

    def request(self) -> SearchRequest:
        """The search that is meant, as the wire format has it. The fields are checked already."""
        fields = {name: getattr(self, name) for name in self.model_fields_set - self._not_searched}
        return SearchRequest.model_construct(**fields)


class Search(_Ranking):
    """A search; text null or blank lists by the filters alone."""

    text: QueryText | None
    extraction_strategy: ExtractionStrategy | None = None
    include_superseded: Flag = False
    as_of: UtcDatetime | None = None


class Prompt(_Ranking):
    """A prompt. session_id names the session with `eq`; it is no filter of the search."""

    query: QueryText
    model_name: ModelName | None = None
    context_window_max: Annotated[int, Field(strict=True, ge=0, le=MAX_INT)] | None = None
    include_long_term_search: Flag = True

    _not_searched: ClassVar[frozenset[str]] = frozenset(
        {
            "optimize_query",
            "session_id",
            "query",
            "model_name",
            "context_window_max",
            "include_long_term_search",
        }
    )

    @model_validator(mode="after")
    def _one_session(self) -> Prompt:
        if self.session_id is not None and not self.session_id.eq:
            raise ValueError('session_id names one session here: give its id, or {"eq": id}')
        return self


class SetSession(Place):
    """The whole state of a session."""

    session_id: Id
    memories: _SessionMemories | None = None
    messages: _Messages | None = None
    context: LongText | None = None
    data: JsonObject | None = None
    ttl_seconds: Ttl = 3600
    long_term_memory_strategy: StrategyInput | None = None


class Append(Place):
    """Messages to add to a session."""

    session_id: Id
    messages: _NewMessages
    ttl_seconds: Ttl | None = None


class GetSession(Place):
    """Which session to read; a limit of 0 and less means all messages. try_extraction: also what would be remembered of
    its latest messages, whatever the limit."""

    session_id: Id
    recent_messages_limit: Int | None = None
    try_extraction: Flag = False


class ListSessions(Place):
    """Which sessions to list."""

    limit: Annotated[int, Field(strict=True, ge=1, le=MAX_PAGE)] = 20
    offset: Annotated[int, Field(strict=True, ge=0, le=MAX_OFFSET)] = 0


class Get(StrictRequest):
    """Which memory to read."""

    memory_id: Id


class Edit(EditMemoryRecordRequest):
    """Changes to a memory."""

    memory_id: Id

    def changes(self) -> dict[str, Any]:
        """The members that ask for a change, by name."""
        return {name: member for name, member in super().changes().items() if name != "memory_id"}


class Delete(StrictRequest):
    """Which memories to delete."""

    memory_ids: Annotated[list[Id], Field(max_length=_MOST_IDS)]


class Compact(Place):
    """Where to remove duplicates."""

    session_id: ScopeValue | None = None


MODELS: Mapping[str, type[BaseModel]] = {
    "get_current_datetime": Nothing,
    "create_long_term_memories": Create,
    "search_long_term_memory": Search,
    "memory_prompt": Prompt,
    "set_working_memory": SetSession,
    "append_working_memory_messages": Append,
    "get_working_memory": GetSession,
    "list_sessions": ListSessions,
    "get_long_term_memory": Get,
    "edit_long_term_memory": Edit,
    "delete_long_term_memories": Delete,
    "compact_long_term_memories": Compact,
}
"""The parameters of every tool by its name."""
