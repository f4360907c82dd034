"""The wire format, defined once: what a request may hold and what a response looks like.

Four kinds: the words of the format (enums), filters, requests (checked, every rule of the format) and responses
(plain, quick to build). The server validates with these models, and the client builds its requests from them.
"""

from __future__ import annotations

from agent_memory_client.models.decisions import (
    DecisionCount,
    DecisionKind,
    DecisionListResponse,
    DecisionOutcome,
    DecisionRecord,
)
from agent_memory_client.models.enums import (
    ExtractedFlag,
    Inclusive,
    MemoryTypeEnum,
    ModelNameLiteral,
    SearchModeEnum,
    SearchScoreTypeEnum,
    StrategyName,
    SummaryViewSource,
    TaskStatus,
    TaskStatusEnum,
    TaskTypeEnum,
    TextScorer,
    WriteStatus,
)
from agent_memory_client.models.errors import (
    ErrorResponse,
    FieldError,
)
from agent_memory_client.models.extraction import (
    ExtractMemoriesRequest,
    ExtractMemoriesResponse,
    RefusedExtraction,
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
    TagFilter,
    TimeFilter,
    Topics,
    UserId,
)
from agent_memory_client.models.forget import (
    ForgetPolicy,
    ForgetRequest,
    ForgetResponse,
)
from agent_memory_client.models.health import (
    HealthCheckResponse,
    PartResponse,
    ReadinessResponse,
)
from agent_memory_client.models.jobs import (
    DeadJob,
    DeadJobsResponse,
    JobCountResponse,
    JobFiguresResponse,
    JobIdsRequest,
)
from agent_memory_client.models.messages import (
    MemoryMessage,
    MessageInput,
)
from agent_memory_client.models.prompt import (
    MemoryPromptRequest,
    MemoryPromptResponse,
    PromptMessage,
    TextContent,
    WorkingMemoryRequest,
)
from agent_memory_client.models.records import (
    ClientMemoryRecord,
    ExtractedMemoryRecord,
    MemoryRecord,
    MemoryRecordResult,
    SearchExplanation,
)
from agent_memory_client.models.search import (
    MemoryHistoryResponse,
    MemoryListResponse,
    MemoryRecordResults,
    MemoryRecordResultsResponse,
    RecencyConfig,
    SearchRequest,
)
from agent_memory_client.models.sessions import (
    AppendMessagesRequest,
    AppendMessagesResponse,
    MemoryStrategyConfig,
    SessionListResponse,
    StrategyInput,
    UpdateWorkingMemory,
    WorkingMemory,
    WorkingMemoryResponse,
)
from agent_memory_client.models.views import (
    CreateSummaryViewRequest,
    RunSummaryViewPartitionRequest,
    RunSummaryViewRequest,
    SummaryView,
    SummaryViewPartitionResult,
    Task,
)
from agent_memory_client.models.writes import (
    AckResponse,
    CreateMemoryRecordRequest,
    EditMemoryRecordRequest,
    WriteOutcome,
)

__all__ = [  # noqa: RUF022 - by kind
    # words
    "DecisionKind",
    "DecisionOutcome",
    "ExtractedFlag",
    "Inclusive",
    "MemoryTypeEnum",
    "ModelNameLiteral",
    "SearchModeEnum",
    "SearchScoreTypeEnum",
    "StrategyName",
    "SummaryViewSource",
    "TaskStatus",
    "TaskStatusEnum",
    "TaskTypeEnum",
    "TextScorer",
    "WriteStatus",
    # filters
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
    # requests
    "AppendMessagesRequest",
    "ClientMemoryRecord",
    "CreateMemoryRecordRequest",
    "CreateSummaryViewRequest",
    "EditMemoryRecordRequest",
    "ExtractedMemoryRecord",
    "ForgetPolicy",
    "ForgetRequest",
    "JobIdsRequest",
    "ExtractMemoriesRequest",
    "MemoryPromptRequest",
    "MessageInput",
    "RecencyConfig",
    "RunSummaryViewPartitionRequest",
    "RunSummaryViewRequest",
    "SearchRequest",
    "StrategyInput",
    "UpdateWorkingMemory",
    "WorkingMemory",
    "WorkingMemoryRequest",
    # responses
    "AckResponse",
    "AppendMessagesResponse",
    "ErrorResponse",
    "FieldError",
    "ForgetResponse",
    "DecisionCount",
    "DecisionListResponse",
    "DecisionRecord",
    "DeadJob",
    "DeadJobsResponse",
    "JobCountResponse",
    "JobFiguresResponse",
    "ExtractMemoriesResponse",
    "RefusedExtraction",
    "HealthCheckResponse",
    "MemoryHistoryResponse",
    "MemoryListResponse",
    "MemoryMessage",
    "MemoryPromptResponse",
    "MemoryRecord",
    "MemoryRecordResult",
    "MemoryRecordResults",
    "MemoryRecordResultsResponse",
    "MemoryStrategyConfig",
    "PartResponse",
    "PromptMessage",
    "ReadinessResponse",
    "SearchExplanation",
    "SessionListResponse",
    "SummaryView",
    "SummaryViewPartitionResult",
    "Task",
    "TextContent",
    "WorkingMemoryResponse",
    "WriteOutcome",
]
