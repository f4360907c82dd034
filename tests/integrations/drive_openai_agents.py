"""Runs in an environment with the real OpenAI Agents SDK: a runner over a session, with a model that is scripted."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage
from agents.memory import Session
from openai.types.responses import ResponseOutputMessage, ResponseOutputText

from agent_memory_client import MemoryAPIClient
from agent_memory_client.integrations.openai_agents import MemorySession

URL = os.environ["MEMORY_URL"]


class Scripted(Model):
    """Answers with the number of items that it was given."""

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:  # noqa: A002
        text = ResponseOutputText(text=f"I was given {len(input)} items", type="output_text", annotations=[])
        message = ResponseOutputMessage(id="m", content=[text], role="assistant", status="completed", type="message")
        return ModelResponse(output=[message], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


async def main() -> None:
    async with MemoryAPIClient(base_url=URL) as client:
        session = MemorySession(client, "talk", user_id="alice")
        assert isinstance(session, Session)
        assert await session.get_items() == []
        assert await session.pop_item() is None
        agent = Agent(name="a", model=Scripted())
        first = await Runner.run(agent, "Hello", session=session)
        assert first.final_output == "I was given 1 items"
        second = await Runner.run(agent, "Again", session=session)
        assert second.final_output == "I was given 3 items"
        items = await session.get_items()
        assert [item["role"] for item in items] == ["user", "assistant", "user", "assistant"]
        assert items[0] == {"role": "user", "content": "Hello"}
        assert await session.get_items(limit=1) == items[-1:]
        call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
        await session.add_items([call])
        assert await session.pop_item() == call
        assert await session.get_items() == items
        await session.clear_session()
        assert await session.get_items() == []


asyncio.run(main())
