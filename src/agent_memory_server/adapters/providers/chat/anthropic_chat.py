"""Anthropic's Messages API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from agent_memory_server.adapters.providers.chat.http import ChatEndpoint, count
from agent_memory_server.adapters.providers.chat.service import Question, Reply, Structure
from agent_memory_server.domain.errors import InvalidRequest

BASE = "https://api.anthropic.com"
_VERSION = "2023-06-01"
_TOOL = "answer"


class AnthropicChat:
    """A ChatService behind `POST {base_url}/v1/messages`. A form of answer is asked for as the input of a tool."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str = "",
        timeout_s: float,
        connect_timeout_s: float,
        temperature: float | None = None,
    ) -> None:
        self._model = model
        self._temperature = temperature
        self._endpoint = ChatEndpoint(
            f"{base_url.rstrip('/').removesuffix('/v1')}/v1/messages",
            model,
            headers={"anthropic-version": _VERSION, **({"x-api-key": api_key} if api_key else {})},
            check="the model's name, ANTHROPIC_API_BASE and ANTHROPIC_API_KEY",
            timeout_s=timeout_s,
            connect_timeout_s=connect_timeout_s,
        )

    @property
    def structures(self) -> Sequence[Structure]:
        """By a tool, or by words."""
        return (Structure.SCHEMA, Structure.TEXT)

    async def complete(self, question: Question) -> Reply:
        """See ChatService."""
        return self._reply(await self._endpoint.post(self._body(question)))

    def trouble(self) -> str | None:
        """A service by itself never refuses beforehand."""
        return None

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._endpoint.close()

    def _body(self, question: Question) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": question.answer_tokens,
            "messages": [{"role": turn.role, "content": turn.text} for turn in question.turns],
        }
        if question.instructions:
            body["system"] = question.instructions
        if self._temperature is not None:
            body["temperature"] = self._temperature
        if question.schema is not None and question.structure is Structure.SCHEMA:
            body["tools"] = [{"name": _TOOL, "description": "Give the answer.", "input_schema": dict(question.schema)}]
            body["tool_choice"] = {"type": "tool", "name": _TOOL}
        return body

    def _reply(self, answer: Any) -> Reply:
        try:
            parts = answer["content"]
            given = [part["input"] for part in parts if part["type"] == "tool_use"]
            spoken = "".join(part["text"] for part in parts if part["type"] == "text")
            reason = answer.get("stop_reason")
            usage = answer.get("usage") or {}
            read = [count(usage.get(name)) for name in _PROMPT_COUNTS]
            answer_tokens = count(usage.get("output_tokens"))
        except (KeyError, TypeError, AttributeError) as exc:
            raise self._endpoint.strange() from exc
        if reason == "refusal":
            raise InvalidRequest(f"{self._model} refuses to answer this question")
        return Reply(
            text=json.dumps(given[0], ensure_ascii=False) if given else spoken,
            truncated=reason == "max_tokens",
            prompt_tokens=None if read[0] is None else sum(n or 0 for n in read),
            answer_tokens=answer_tokens,
        )


_PROMPT_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
