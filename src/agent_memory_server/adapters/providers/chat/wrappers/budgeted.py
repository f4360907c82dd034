"""No more tokens in a day than the operator allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from agent_memory_server.adapters.providers.chat.service import ChatService, Question, Reply, Structure, tokens_of
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.ports.clock import Clock
from agent_memory_server.ports.spending import Spending

log = structlog.get_logger()


class Exhausted(Unavailable):
    """The budget of the day is used up."""


class Budgeted:
    """Asks only while fewer than `tokens_per_day` tokens were spent on this day (UTC).

    Calls under way when the budget ends are let finish, so a day may end above it by what they cost. The sum is stored:
    it outlives the process and counts all processes on the store.
    """

    def __init__(self, inner: ChatService, spending: Spending, *, tokens_per_day: int, clock: Clock) -> None:
        self._inner = inner
        self._spending = spending
        self._limit = tokens_per_day
        self._clock = clock
        self._used_up = ""
        """the day on which the budget was found used up"""

    @property
    def structures(self) -> Sequence[Structure]:
        """Those of the service."""
        return self._inner.structures

    async def complete(self, question: Question) -> Reply:
        """See ChatService. Raises: Unavailable without asking, when the budget is used up."""
        day = self._today()
        if await self._spending.spent(day) >= self._limit:
            self._used_up = day
            raise Exhausted(self._sentence())
        reply = await self._inner.complete(question)
        try:
            await self._spending.add(day, sum(tokens_of(question, reply)))
        except Unavailable as exc:  # the answer is paid for: it is not thrown away
            log.warning("chat.spending_not_noted", reason=str(exc))
        return reply

    def trouble(self) -> str | None:
        """See ChatModel."""
        return self._sentence() if self._used_up == self._today() else self._inner.trouble()

    async def close(self) -> None:
        """Close the service. Idempotent."""
        await self._inner.close()

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).date().isoformat()

    def _sentence(self) -> str:
        return f"the budget of {self._limit} tokens a day (CHAT_TOKENS_PER_DAY) is used up until midnight UTC"
