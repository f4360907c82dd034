"""What a chat model is made of: a service that completes a conversation, one HTTP call at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

from agent_memory_server.domain.tokens import estimate_tokens


class Structure(StrEnum):
    """How a service is held to a form of answer. SCHEMA: it enforces a JSON Schema; OBJECT: it promises some JSON
    object; TEXT: it is only told what is wanted."""

    SCHEMA = "schema"
    OBJECT = "object"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One call. schema: None asks for plain text, whatever the structure."""

    instructions: str
    turns: tuple[Turn, ...]
    schema: Mapping[str, Any] | None
    structure: Structure
    answer_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """text: the answer. truncated: it ended because it had reached `answer_tokens`. Tokens: None where the service
    does not count them."""

    text: str
    truncated: bool = False
    prompt_tokens: int | None = None
    answer_tokens: int | None = None


class ChatService(Protocol):
    """A service of one model."""

    @property
    def structures(self) -> Sequence[Structure]:
        """The ways it may be asked for a form of answer, best first; the last one is TEXT."""
        ...

    async def complete(self, question: Question) -> Reply:
        """The next message of the conversation.

        Raises: Unavailable (Misconfigured, Throttled), DeadlineExceeded; InvalidRequest (Refused), for a question that
        it does not take in this form or at all.
        """
        ...

    def trouble(self) -> str | None:
        """See ChatModel."""
        ...

    async def close(self) -> None:
        """Release connections. Idempotent."""
        ...


def tokens_of(question: Question, reply: Reply) -> tuple[int, int]:
    """Tokens of a call, read and written: as the service counts them, else estimated."""
    prompt, answer = reply.prompt_tokens, reply.answer_tokens
    if prompt is None:
        prompt = sum(map(estimate_tokens, (question.instructions, *(turn.text for turn in question.turns))))
    return prompt, estimate_tokens(reply.text) if answer is None else answer
