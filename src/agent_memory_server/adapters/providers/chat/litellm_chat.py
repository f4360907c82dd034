"""Chat with every other provider, through the optional package litellm (see `litellm_library`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from agent_memory_server.adapters.providers.chat.openai_chat import response_format
from agent_memory_server.adapters.providers.chat.service import Question, Reply, Structure
from agent_memory_server.adapters.providers.litellm_library import imported, require_installed, translated
from agent_memory_server.domain.errors import InvalidRequest, Unavailable


class LiteLLMChat:
    """A ChatService for any model name that litellm knows. It reads keys and addresses from the environment."""

    def __init__(self, model: str, *, setting: str, timeout_s: float, temperature: float | None = None) -> None:
        """setting: the variable that names the model. Raises: StartRefused, when the package is not installed."""
        require_installed(f"{setting}={model}")
        self._model = model
        self._setting = setting
        self._timeout_s = timeout_s
        self._extra = {} if temperature is None else {"temperature": temperature}

    @property
    def structures(self) -> Sequence[Structure]:
        """All of them; which ones the provider knows is found out by asking."""
        return (Structure.SCHEMA, Structure.OBJECT, Structure.TEXT)

    async def complete(self, question: Question) -> Reply:
        """See ChatService."""
        litellm = await asyncio.to_thread(imported)
        messages = [{"role": "system", "content": question.instructions}] if question.instructions else []
        messages += [{"role": turn.role, "content": turn.text} for turn in question.turns]
        form = response_format(question)
        try:
            # Retrying is done in one place, around this.
            answer = await litellm.acompletion(
                model=self._model,
                messages=messages,
                max_tokens=question.answer_tokens,
                timeout=self._timeout_s,
                num_retries=0,
                max_retries=0,
                drop_params=True,
                **({} if form is None else {"response_format": form}),
                **self._extra,
            )
        except Exception as exc:
            raise translated(litellm, exc, self._model, setting=self._setting, given="a question") from exc
        return self._reply(answer)

    def trouble(self) -> str | None:
        """A service by itself never refuses beforehand."""
        return None

    async def close(self) -> None:
        """Nothing is held: litellm keeps its own connections."""

    def _reply(self, answer: Any) -> Reply:
        try:
            choice = answer.choices[0]
            text = choice.message.content or ""
            reason = choice.finish_reason
        except (AttributeError, IndexError) as exc:
            raise Unavailable(f"{self._model} answered something other than a chat message") from exc
        if reason == "content_filter":
            raise InvalidRequest(f"{self._model} refuses to answer this question")
        usage = getattr(answer, "usage", None)
        return Reply(
            text=text,
            truncated=reason == "length",
            prompt_tokens=getattr(usage, "prompt_tokens", None),
            answer_tokens=getattr(usage, "completion_tokens", None),
        )
