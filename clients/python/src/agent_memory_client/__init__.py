"""Client of the Agent Memory Server.

`models` holds the wire format, `filters` the filters of a search, `exceptions` what a call can raise.

A name is loaded when it is first used, so that importing the package costs a program nothing until it talks to the
server, and one that needs the wire format alone loads no HTTP library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agent_memory_client._version import __version__

if TYPE_CHECKING:
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
    from agent_memory_client.models.views import (
        CreateSummaryViewRequest,
        SummaryView,
        SummaryViewPartitionResult,
        Task,
    )
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

_MODULES = {"client", "config", "exceptions", "filters", "models"}
_HOMES = {
    "client": {"MemoryAPIClient", "MemoryClientConfig", "SyncMemoryAPIClient"}
    | {"create_memory_client", "create_sync_memory_client"},
    "models": {"CreateSummaryViewRequest", "ForgetPolicy", "ForgetResponse", "ModelNameLiteral"}
    | {"SummaryView", "SummaryViewPartitionResult", "Task"},
    "tool_schema": {"ToolSchema", "ToolSchemaCollection"},
    "exceptions": {name for name in __all__ if name.endswith("Error")},
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    for module, names in _HOMES.items():
        if name in names:
            globals()[name] = value = getattr(import_module(f"{__name__}.{module}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
