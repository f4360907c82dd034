"""Questions to a chat model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One question.

    purpose:      what the answer is for ("extraction", "summary", ...): for logs, metrics and the budget.
    instructions: the system prompt, ours alone. text: what the model works on, with data of users fenced as data
                  (`domain.fencing`).
    schema:       JSON Schema of the answer, None for plain text. Objects that set `additionalProperties` to false and
                  require all their members are enforced strictly where the provider can.
    may_lack:     names of members, at any depth, that are empty where the model leaves them out or says null; of those
                  that are one of several words, the first word.
    answer_tokens: the longest answer, in tokens of the model.
    """

    purpose: str
    instructions: str
    text: str
    schema: Mapping[str, Any] | None = None
    may_lack: frozenset[str] = frozenset()
    answer_tokens: int = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """text: the answer as the model gave it; value: the parsed answer that satisfies the schema, None without one.
    misfits: items of its list that had not their form even after one repair, and were left out.
    Tokens are as the provider counts them, or estimated where it does not say; of all calls the question took."""

    text: str
    value: Any = None
    misfits: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0


class ChatModel(Protocol):
    """A language model that answers one question at a time; keeps no conversation."""

    @property
    def model(self) -> str:
        """The model's name, as in the settings."""
        ...

    @property
    def context_tokens(self) -> int:
        """Tokens it reads at most, question and answer together."""
        ...

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """Answer a question.

        Raises: Unavailable (a failure, a rate limit, an exhausted budget, or an answer that cannot be used even after
        one repair) or DeadlineExceeded, when another try later may work; InvalidRequest, when the model refuses the
        question itself.
        """
        ...

    def trouble(self) -> str | None:
        """Why the next question would fail without being asked (a cool-down after failures, a budget that is used
        up); None when it would be asked. Asks nobody."""
        ...

    async def close(self) -> None:
        """Release connections. Idempotent."""
        ...
