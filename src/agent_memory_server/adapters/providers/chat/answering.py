"""A chat model made of a service: forms of answer, distrust of what comes back, one repair, one deadline."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from agent_memory_server.adapters.providers.chat.parsing import Found, NotThis, parsed, spoken
from agent_memory_server.adapters.providers.chat.service import (
    ChatService,
    Question,
    Reply,
    Structure,
    Turn,
    tokens_of,
)
from agent_memory_server.adapters.providers.refusals import Refused
from agent_memory_server.adapters.providers.wrappers.patience import within
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.ports.chat_model import ChatAnswer, ChatRequest

_MORE_ROOM = 4
"""How much longer an answer may be that was cut off."""
_SHOWN_CHARS = 4000
"""What the model is shown of an answer that it is to correct."""

log = structlog.get_logger()


class Unusable(Unavailable):
    """The service works, and the model's answer cannot be used, even after one repair."""


@dataclass(slots=True)
class _Cost:
    """What one question has cost so far."""

    calls: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0


class ServiceChatModel:
    """See ChatModel. timeout_s: the longest a question may take, with every attempt and the repair.

    A form of answer is asked for in the best way that the service takes; which one that is, is remembered for each
    purpose.
    """

    def __init__(
        self,
        service: ChatService,
        *,
        model: str,
        context_tokens: int,
        timeout_s: float,
        best: Structure = Structure.SCHEMA,
    ) -> None:
        self._service = service
        self._model = model
        self._context_tokens = context_tokens
        self._timeout_s = timeout_s
        order = list(Structure)
        self._structures = [one for one in service.structures if order.index(one) >= order.index(best)]
        self._levels: dict[str, int] = {}

    @property
    def model(self) -> str:
        """The model's name, as in the settings."""
        return self._model

    @property
    def context_tokens(self) -> int:
        """Tokens it reads at most, question and answer together."""
        return self._context_tokens

    def trouble(self) -> str | None:
        """See ChatModel."""
        return self._service.trouble()

    async def close(self) -> None:
        """Close the service. Idempotent."""
        await self._service.close()

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """See ChatModel."""
        began = time.perf_counter()
        cost = _Cost()
        try:
            text, found = await within(self._timeout_s, self._model, lambda: self._answered(request, cost))
        finally:
            log.info(
                "chat.asked",
                purpose=request.purpose,
                model=self._model,
                calls=cost.calls,
                prompt_tokens=cost.prompt_tokens,
                answer_tokens=cost.answer_tokens,
                duration_ms=round((time.perf_counter() - began) * 1000),
            )
        if found.misfits:
            log.warning("chat.misfits", purpose=request.purpose, model=self._model, items=found.misfits)
        return ChatAnswer(
            text=text,
            value=found.value,
            misfits=found.misfits,
            prompt_tokens=cost.prompt_tokens,
            answer_tokens=cost.answer_tokens,
        )

    async def _answered(self, request: ChatRequest, cost: _Cost) -> tuple[str, Found]:
        question = Question(
            instructions=request.instructions,
            turns=(Turn("user", request.text),),
            schema=request.schema,
            structure=Structure.TEXT,
            answer_tokens=request.answer_tokens,
        )
        reply = await self._complete(request.purpose, question, cost)
        try:
            return _usable(reply, request)
        except NotThis as exc:
            question = self._again(question, reply, str(exc))
        reply = await self._complete(request.purpose, question, cost)
        try:
            return _usable(reply, request, last=True)
        except NotThis as exc:
            raise Unusable(f"the answer of {self._model} cannot be used ({request.purpose}): {exc}") from exc

    def _again(self, question: Question, reply: Reply, reason: str) -> Question:
        """The question that asks for a better answer."""
        if reply.truncated:
            return replace(question, answer_tokens=min(question.answer_tokens * _MORE_ROOM, self._context_tokens))
        if not spoken(reply.text):
            return question
        complaint = f"This answer cannot be used: {reason}. Answer once more, with the JSON alone."
        turns = (*question.turns, Turn("assistant", reply.text[:_SHOWN_CHARS]), Turn("user", complaint))
        return replace(question, turns=turns)

    async def _complete(self, purpose: str, question: Question, cost: _Cost) -> Reply:
        """One reply, in the best structure that the service takes for this purpose."""
        if question.schema is None:
            return await self._counted(question, cost)
        for level in range(self._levels.get(purpose, 0), len(self._structures)):
            shaped = _shaped(question, question.schema, self._structures[level])
            try:
                reply = await self._counted(shaped, cost)
            except Refused:
                if level == len(self._structures) - 1:
                    raise
                continue
            self._levels[purpose] = level
            return reply
        raise AssertionError("the last structure returns or raises")

    async def _counted(self, question: Question, cost: _Cost) -> Reply:
        cost.calls += 1
        reply = await self._service.complete(question)
        prompt_tokens, answer_tokens = tokens_of(question, reply)
        cost.prompt_tokens += prompt_tokens
        cost.answer_tokens += answer_tokens
        return reply


def _shaped(question: Question, schema: Mapping[str, Any], structure: Structure) -> Question:
    """The question for this structure: a service that does not enforce the form is told of it in words."""
    if structure is Structure.SCHEMA:
        return replace(question, structure=structure)
    form = json.dumps(schema, ensure_ascii=False)
    told = f"Answer with one JSON object and nothing else. It satisfies this JSON Schema:\n{form}"
    return replace(question, structure=structure, instructions=f"{question.instructions}\n\n{told}".strip())


def _usable(reply: Reply, request: ChatRequest, *, last: bool = False) -> tuple[str, Found]:
    """The answer and its value. last: a part that can be used is better than none. Raises: NotThis."""
    if request.schema is None:
        text = spoken(reply.text)
        if not text:
            raise NotThis("it is empty")
        if reply.truncated and not last:  # a text that is cut off is better than none
            raise NotThis("it is cut off")
        return text, Found(None)
    if reply.truncated:
        raise NotThis("it is cut off")  # never the part of a list that happened to fit
    return reply.text, parsed(reply.text, request.schema, request.may_lack, misfits_too=last)
