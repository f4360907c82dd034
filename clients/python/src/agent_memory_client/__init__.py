"""Client of the Agent Memory Server.

`models` holds the wire format, `filters` the filters of a search, `exceptions` what a call can raise.
"""

from __future__ import annotations

from agent_memory_client._version import __version__
from agent_memory_client.client import (
    MemoryAPIClient,
    MemoryClientConfig,
    SyncMemoryAPIClient,
    create_memory_client,
    create_sync_memory_client,
)
from agent_memory_client.exceptions import (
    MemoryClientError,
    MemoryConflictError,
    MemoryConnectionError,
    MemoryDeadlineError,
    MemoryForbiddenError,
    MemoryInvalidRequestError,
    MemoryNotFoundError,
    MemoryRateLimitedError,
    MemoryRequestRefusedError,
    MemoryServerError,
    MemoryTimeoutError,
    MemoryTooLargeError,
    MemoryUnauthenticatedError,
    MemoryUnavailableError,
    MemoryValidationError,
)
from agent_memory_client.models.enums import ModelNameLiteral
from agent_memory_client.models.forget import ForgetPolicy, ForgetResponse
from agent_memory_client.models.views import CreateSummaryViewRequest, SummaryView, SummaryViewPartitionResult, Task
from agent_memory_client.tool_schema import ToolSchema, ToolSchemaCollection

__all__ = [
    "CreateSummaryViewRequest",
    "ForgetPolicy",
    "ForgetResponse",
    "MemoryAPIClient",
    "MemoryClientConfig",
    "MemoryClientError",
    "MemoryConflictError",
    "MemoryConnectionError",
    "MemoryDeadlineError",
    "MemoryForbiddenError",
    "MemoryInvalidRequestError",
    "MemoryNotFoundError",
    "MemoryRateLimitedError",
    "MemoryRequestRefusedError",
    "MemoryServerError",
    "MemoryTimeoutError",
    "MemoryTooLargeError",
    "MemoryUnauthenticatedError",
    "MemoryUnavailableError",
    "MemoryValidationError",
    "ModelNameLiteral",
    "SummaryView",
    "SummaryViewPartitionResult",
    "SyncMemoryAPIClient",
    "Task",
    "ToolSchema",
    "ToolSchemaCollection",
    "__version__",
    "create_memory_client",
    "create_sync_memory_client",
]
