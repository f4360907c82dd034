"""pydantic-ai: memory as a toolset. Needs pydantic-ai or pydantic-ai-slim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent_memory_client._async.client import MemoryAPIClient
from agent_memory_client.tool_catalogue import TOOL_NAMES, schema_of

try:
    from pydantic_ai import FunctionToolset, Tool
except ImportError as exc:
    raise ImportError(
        "pydantic-ai is required to use this integration. Install agent-memory-client[pydantic-ai]."
    ) from exc


def get_memory_toolset(
    memory_client: MemoryAPIClient,
    session_id: str,
    user_id: str | None = None,
    namespace: str | None = None,
    tools: Sequence[str] = TOOL_NAMES,
) -> FunctionToolset[Any]:
    """A toolset for `Agent(toolsets=[…])`. Session, user and namespace are bound, not the model's to choose.

    A failure is an answer that begins with `Error: `. Raises: ValueError for unknown names.
    """
    unknown = sorted({*tools} - {*TOOL_NAMES})
    if unknown:
        raise ValueError(f"Invalid tool names: {', '.join(unknown)}. There are: {', '.join(TOOL_NAMES)}")
    return FunctionToolset([_tool(name, memory_client, session_id, user_id, namespace) for name in tools])


def _tool(name: str, client: MemoryAPIClient, session_id: str, user_id: str | None, namespace: str | None) -> Tool[Any]:
    function = schema_of(name, "openai").to_dict()["function"]

    async def call(**arguments: Any) -> str:
        answer = await client.resolve_function_call(name, arguments, session_id, namespace, user_id)
        return answer["formatted_response"]

    return Tool.from_schema(call, name, function["description"], function["parameters"])
