"""Which memories a forgetting policy lets go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.recency import recency_score

_DAY_S = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """Ages in days, `budget` in records; None leaves a rule out.

    With both ages: a record goes when its age is over max_age_days × hard_age_multiplier, or when it is over
    max_age_days and unused for longer than max_inactive_days. With one age: when that one is exceeded.
    budget: of what is left, only that many best by recency stay. memory_types: None means all types.
    """

    max_age_days: float | None = None
    max_inactive_days: float | None = None
    budget: int | None = None
    memory_types: frozenset[str] | None = None
    hard_age_multiplier: float = 12.0


def _too_old(memory: Memory, policy: RetentionPolicy, now: float) -> bool:
    age = (now - memory.created_at) / _DAY_S
    idle = (now - memory.last_accessed) / _DAY_S
    max_age, max_idle = policy.max_age_days, policy.max_inactive_days
    if max_age is not None and max_idle is not None:
        return age > max_age * policy.hard_age_multiplier or (age > max_age and idle > max_idle)
    if max_age is not None:
        return age > max_age
    return max_idle is not None and idle > max_idle


class Retention:
    """Applies a policy to a stream of records of any length, holding only ids and scores of the survivors."""

    def __init__(self, policy: RetentionPolicy, *, now: float, pinned_ids: frozenset[str] = frozenset()) -> None:
        self._policy = policy
        self._now = now
        self._pinned_ids = pinned_ids
        self._forgotten: list[str] = []
        self._survivors: list[tuple[float, str]] = []
        self.scanned = 0

    def look_at(self, memories: Iterable[Memory]) -> None:
        """Decide on further records. Pinned ones, and types outside the policy, are never let go."""
        types = self._policy.memory_types
        for memory in memories:
            self.scanned += 1
            if memory.pinned or memory.id in self._pinned_ids:
                continue
            if types is not None and memory.memory_type.value not in types:
                continue
            if _too_old(memory, self._policy, self._now):
                self._forgotten.append(memory.id)
            elif self._policy.budget is not None:
                self._survivors.append((recency_score(memory, self._now), memory.id))

    def forgotten(self) -> list[str]:
        """The ids to delete, the budget applied to all records looked at so far."""
        if self._policy.budget is None:
            return list(self._forgotten)
        best_first = sorted(self._survivors, key=lambda entry: (-entry[0], entry[1]))
        return self._forgotten + [id_ for _, id_ in best_first[self._policy.budget :]]
