"""Runs in an environment with the real LlamaIndex: its memory with the block in it."""

from __future__ import annotations

import asyncio
import os

from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

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
        await in_a_memory(client)


async def in_a_memory(client: MemoryAPIClient) -> None:
    """Messages that leave the framework's short-term memory arrive in the session; what is known enters the prompt."""
    block = LongTermMemoryBlock(memory_client=client, session_id="long", user_id="alice")
    engine = create_async_engine("sqlite+aiosqlite:///:memory:", poolclass=StaticPool)
    memory = Memory.from_defaults(
        async_engine=engine,
        session_id="long",
        token_limit=40,
        chat_history_token_ratio=0.5,
        token_flush_size=10,
        tokenizer_fn=str.split,
        memory_blocks=[block],
    )
    told = [f"Train number {day} to Porto left with a delay of {day} minutes today" for day in range(6)]
    for text in told:
        await memory.aput_messages(
            [ChatMessage(role="user", content=text), ChatMessage(role="assistant", content="Fine.")]
        )
    session = await client.get_working_memory("long", user_id="alice")
    kept = [message.content for message in session.messages]
    assert kept[:2] == [told[0], "Fine."], kept
    await memory.aput(ChatMessage(role="user", content="What does Alice prefer to drink, tea or coffee?"))
    prompt = "\n".join(message.content or "" for message in await memory.aget())
    assert "Alice prefers tea" in prompt, prompt
    assert "What does Alice prefer to drink, tea or coffee?" in prompt, prompt
    await engine.dispose()


asyncio.run(main())
