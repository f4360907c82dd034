"""Runs in an environment with the real pydantic-ai: an agent with the toolset, and a model that is scripted."""

from __future__ import annotations

import asyncio
import os

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agent_memory_client import MemoryAPIClient
from agent_memory_client.integrations.pydantic_ai import get_memory_toolset

URL = os.environ["MEMORY_URL"]


def scripted(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    last = messages[-1].parts[-1]
    if isinstance(last, ToolReturnPart):
        return ModelResponse(parts=[TextPart(str(last.content))])
    assert len(info.function_tools) == 9
    return ModelResponse(parts=[ToolCallPart("search_memory", {"query": "tea", "user_id": "bob"})])


async def main() -> None:
    async with MemoryAPIClient(base_url=URL) as client:
        await client.create_long_term_memory(
            [{"text": "Alice prefers tea", "user_id": "alice"}, {"text": "Bob prefers tea", "user_id": "bob"}]
        )
        toolset = get_memory_toolset(client, session_id="s", user_id="alice")
        result = await Agent(FunctionModel(scripted), toolsets=[toolset]).run("What do I drink?")
        assert "Alice prefers tea" in result.output
        assert "Bob" not in result.output


asyncio.run(main())
