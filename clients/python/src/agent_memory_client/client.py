"""The client by its public name."""

from __future__ import annotations

from agent_memory_client._async.client import MemoryAPIClient, create_memory_client
from agent_memory_client.config import MemoryClientConfig

__all__ = ["MemoryAPIClient", "MemoryClientConfig", "create_memory_client"]
