"""No more questions at a time than the model can stand."""

from __future__ import annotations

import asyncio

from agent_memory_server.ports.chat_model import ChatAnswer, ChatModel, ChatRequest


class Limited:
    """A ChatModel that asks at most `at_once` questions at a time; others wait in their order, and their own deadline
    begins when it is their turn."""

    def __init__(self, inner: ChatModel, *, at_once: int) -> None:
        self._inner = inner
        self._room = asyncio.Semaphore(at_once)

    @property
    def model(self) -> str:
        """The model's name, as in the settings."""
        return self._inner.model

    @property
    def context_tokens(self) -> int:
        """Tokens it reads at most, question and answer together."""
        return self._inner.context_tokens

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """See ChatModel."""
        async with self._room:
            return await self._inner.ask(request)

    def trouble(self) -> str | None:
        """See ChatModel."""
        return self._inner.trouble()

    async def close(self) -> None:
        """Close what is wrapped. Idempotent."""
        await self._inner.close()
