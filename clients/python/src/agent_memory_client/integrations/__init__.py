"""Memory for agent frameworks. Each module imports its framework; this package imports none of them."""

from __future__ import annotations

from typing import Any

__all__ = ["get_memory_tools", "get_memory_tools_langchain"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from agent_memory_client.integrations.langchain import get_memory_tools  # noqa: PLC0415 - only when asked for

    return get_memory_tools
