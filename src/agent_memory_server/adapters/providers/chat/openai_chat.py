"""OpenAI's wire format for chat: OpenAI itself, Ollama, vLLM, LM Studio, OpenRouter and many more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent_memory_server.adapters.providers.chat.http import ChatEndpoint, count
from agent_memory_server.adapters.providers.chat.schema import is_strict
from agent_memory_server.adapters.providers.chat.service import Question, Reply, Structure
from agent_memory_server.adapters.providers.refusals import Refused
from agent_memory_server.domain.errors import InvalidRequest

_LIMIT = "max_tokens"
_NEW_LIMIT = "max_completion_tokens"
_TEMPERATURE = "temperature"


class OpenAIChat:
    """A ChatService behind `POST {base_url}/chat/completions`.

    What a model does not take (a temperature, the old name of the limit) is left out or renamed when it says so, and
    remembered.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str = "",
        timeout_s: float,
        connect_timeout_s: float,
        temperature: float | None = None,
        limit_name: str = _LIMIT,
    ) -> None:
        self._model = model
        self._temperature = temperature
        self._limit_name = limit_name
        self._endpoint = ChatEndpoint(
            f"{base_url.rstrip('/')}/chat/completions",
            model,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            check="the model's name, its address and the key",
            timeout_s=timeout_s,
            connect_timeout_s=connect_timeout_s,
        )

    @property
    def structures(self) -> Sequence[Structure]:
        """All of them; which ones a server really knows is found out by asking."""
        return (Structure.SCHEMA, Structure.OBJECT, Structure.TEXT)

    async def complete(self, question: Question) -> Reply:
        """See ChatService."""
        while True:
            try:
                return self._reply(await self._endpoint.post(self._body(question)))
            except Refused as exc:
                if not self._yields(exc.parameter):  # each member yields once
                    raise

    def trouble(self) -> str | None:
        """A service by itself never refuses beforehand."""
        return None

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._endpoint.close()

    def _yields(self, parameter: str) -> bool:
        """Whether the member that was refused is sent otherwise from now on."""
        if parameter == self._limit_name == _LIMIT:
            self._limit_name = _NEW_LIMIT
            return True
        if parameter == _TEMPERATURE and self._temperature is not None:
            self._temperature = None
            return True
        return False

    def _body(self, question: Question) -> dict[str, Any]:
        messages = [{"role": "system", "content": question.instructions}] if question.instructions else []
        messages += [{"role": turn.role, "content": turn.text} for turn in question.turns]
        body: dict[str, Any] = {"model": self._model, "messages": messages, self._limit_name: question.answer_tokens}
        if self._temperature is not None:
            body[_TEMPERATURE] = self._temperature
        form = response_format(question)
        if form is not None:
            body["response_format"] = form
        return body

    def _reply(self, answer: Any) -> Reply:
        try:
            choice = answer["choices"][0]
            message = choice["message"]
            reason = choice.get("finish_reason")
            text = _text(message.get("content"))
            refused = message.get("refusal")
            usage = answer.get("usage") or {}
            prompt_tokens, answer_tokens = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
        except (KeyError, IndexError, TypeError, AttributeError) as exc:
            raise self._endpoint.strange() from exc
        if (refused and not text) or reason == "content_filter":
            raise InvalidRequest(f"{self._model} refuses to answer this question")
        return Reply(text=text, truncated=reason == "length", prompt_tokens=prompt_tokens, answer_tokens=answer_tokens)


def response_format(question: Question) -> dict[str, Any] | None:
    """The member of the request that asks for a form of answer; None for plain text."""
    if question.schema is None or question.structure is Structure.TEXT:
        return None
    if question.structure is Structure.OBJECT:
        return {"type": "json_object"}
    form = {"name": "answer", "strict": is_strict(question.schema), "schema": dict(question.schema)}
    return {"type": "json_schema", "json_schema": form}


def _text(content: Any) -> str:
    """The text of a message, which some servers split into parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part.get("type", "text") == "text")
