"""Client of the Agent Memory Server. The wire format lives in `agent_memory_client.models`."""

from __future__ import annotations

__version__ = "0.15.0"
