"""Runs in an environment with the real LlamaIndex: its memory with the block in it."""

from __future__ import annotations

import asyncio
import os

from llama_index.core.llms import ChatMessage

from agent_memory_client import MemoryAPIClient
from agent_memory_client.integrations.llama_index import LongTermMemoryBlock

URL = os.environ["MEMORY_URL"]


async def main() -> None:
    async with MemoryAPIClient(base_url=URL) as client:
        await client.create_long_term_memory([{"text": "Alice prefers tea", "user_id": "alice"}])
        block = LongTermMemoryBlock(memory_client=client, session_id="s", user_id="alice")
        question = ChatMessage(role="user", content="What do I drink?")
        assert await block.aget([question]) == "- Alice prefers tea"
        assert await block.aget([]) == ""
        await block.aput([question, ChatMessage(role="assistant", content="Tea.")], from_short_term_memory=True)
        session = await client.get_working_memory("s", user_id="alice")
        assert [message.content for message in session.messages] == ["What do I drink?", "Tea."]


asyncio.run(main())
