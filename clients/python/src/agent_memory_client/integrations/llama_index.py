"""LlamaIndex: a block for its `Memory` that recalls long-term memories. Needs llama-index-core."""

from __future__ import annotations

from typing import Any

from agent_memory_client._async.client import MemoryAPIClient

try:
    from llama_index.core.llms import ChatMessage
    from llama_index.core.memory import BaseMemoryBlock
    from pydantic import Field
except ImportError as exc:
    raise ImportError(
        "LlamaIndex is required to use this integration. Install agent-memory-client[llama-index]."
    ) from exc


class LongTermMemoryBlock(BaseMemoryBlock[str]):
    """Puts the memories that fit the latest message of the user into the prompt, and keeps in a session the messages
    that leave the short-term memory, from which the server makes long-term memories."""

    name: str = "long_term_memory"
    description: str | None = "What is known from earlier conversations."
    memory_client: MemoryAPIClient = Field(exclude=True)
    session_id: str
    user_id: str | None = None
    namespace: str | None = None
    limit: int = 5

    async def _aget(self, messages: list[ChatMessage] | None = None, **block_kwargs: Any) -> str:  # noqa: ARG002
        asked = [message.content for message in messages or [] if message.role.value == "user" and message.content]
        if not asked:
            return ""
        found = await self.memory_client.search_long_term_memory(
            asked[-1], user_id=self.user_id, namespace=self.namespace, limit=self.limit
        )
        return "\n".join(f"- {memory.text}" for memory in found.memories)

    async def _aput(self, messages: list[ChatMessage]) -> None:
        plain = [{"role": message.role.value, "content": message.content} for message in messages if message.content]
        if plain:
            await self.memory_client.append_messages(
                self.session_id, plain, user_id=self.user_id, namespace=self.namespace
            )
