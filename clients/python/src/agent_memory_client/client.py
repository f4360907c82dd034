"""The clients by their public names, and the names of the tools for models."""

from __future__ import annotations

from agent_memory_client._async.client import MemoryAPIClient, create_memory_client
from agent_memory_client._sync.client import SyncMemoryAPIClient, create_sync_memory_client
from agent_memory_client.config import MemoryClientConfig
from agent_memory_client.tool_calls import ToolCallResolutionResult, UnifiedToolCall
from agent_memory_client.tool_catalogue import (
    TOOL_ADD_MEMORY_TO_WORKING_MEMORY,
    TOOL_CREATE_LONG_TERM_MEMORY,
    TOOL_DELETE_LONG_TERM_MEMORIES,
    TOOL_EAGERLY_CREATE_LONG_TERM_MEMORY,
    TOOL_EDIT_LONG_TERM_MEMORY,
    TOOL_GET_CURRENT_DATETIME,
    TOOL_GET_LONG_TERM_MEMORY,
    TOOL_GET_OR_CREATE_WORKING_MEMORY,
    TOOL_LAZILY_CREATE_LONG_TERM_MEMORY,
    TOOL_SEARCH_MEMORY,
    TOOL_UPDATE_WORKING_MEMORY_DATA,
)

__all__ = [
    "TOOL_ADD_MEMORY_TO_WORKING_MEMORY",
    "TOOL_CREATE_LONG_TERM_MEMORY",
    "TOOL_DELETE_LONG_TERM_MEMORIES",
    "TOOL_EAGERLY_CREATE_LONG_TERM_MEMORY",
    "TOOL_EDIT_LONG_TERM_MEMORY",
    "TOOL_GET_CURRENT_DATETIME",
    "TOOL_GET_LONG_TERM_MEMORY",
    "TOOL_GET_OR_CREATE_WORKING_MEMORY",
    "TOOL_LAZILY_CREATE_LONG_TERM_MEMORY",
    "TOOL_SEARCH_MEMORY",
    "TOOL_UPDATE_WORKING_MEMORY_DATA",
    "MemoryAPIClient",
    "MemoryClientConfig",
    "SyncMemoryAPIClient",
    "ToolCallResolutionResult",
    "UnifiedToolCall",
    "create_memory_client",
    "create_sync_memory_client",
]
