"""The newest decisions about memories, for those who want to know why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent_memory_server.domain.decision import Decision, DecisionFilter, Kind, Outcome, Reason
from agent_memory_server.domain.scope import Scope

Counts = Mapping[tuple[Kind, Outcome, Reason], int]


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """Decisions, newest first. cursor: of the next page, None after the last."""

    decisions: Sequence[Decision]
    cursor: str | None


class DecisionLog(Protocol):
    """A bounded, durable log: the oldest entries go first. It holds ids and reasons, never texts."""

    async def add(self, decisions: Sequence[Decision]) -> None:
        """Note decisions, in order. Raises: Unavailable."""
        ...

    async def list(
        self, scope: Scope, wanted: DecisionFilter, *, limit: int, cursor: str | None = None
    ) -> DecisionPage:
        """Decisions in the scope, newest first. A walk by cursor sees each one once that stays meanwhile.

        Raises: InvalidRequest for a foreign cursor; Unavailable.
        """
        ...

    async def counts(self, scope: Scope, wanted: DecisionFilter) -> Counts:
        """How many there are (the sums of `count`), by kind, outcome and reason. Raises: Unavailable."""
        ...
