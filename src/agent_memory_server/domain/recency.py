"""Recency: how much the age of a memory and of its last use count beside its similarity."""

from __future__ import annotations

from dataclasses import dataclass

from agent_memory_server.domain.memory import Memory

_DAY_S = 86400.0
_SHORTEST_HALF_LIFE_DAYS = 0.001
ACCESS_UPDATE_AFTER_S = 900.0
"""A memory used again within this time keeps its access time: reading does not write each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recency:
    """Weights (dimensionless) and half lives (days) of the recency ranking; the defaults are the wire's."""

    similarity_weight: float = 0.8
    recency_weight: float = 0.2
    freshness_weight: float = 0.6
    novelty_weight: float = 0.4
    half_life_last_access_days: float = 7.0
    half_life_created_days: float = 30.0


DEFAULT = Recency()


def _decay(seconds: float, half_life_days: float) -> float:
    days = seconds / _DAY_S if seconds > 0.0 else 0.0
    half_life = half_life_days if half_life_days > _SHORTEST_HALF_LIFE_DAYS else _SHORTEST_HALF_LIFE_DAYS
    decayed: float = 2.0 ** (-days / half_life)
    return decayed


def recency_score(memory: Memory, now: float, recency: Recency = DEFAULT) -> float:
    """0 … 1: freshness (since last access) and novelty (since creation), each halving per half life.

    Times in the future count as now.
    """
    freshness = _decay(now - memory.last_accessed, recency.half_life_last_access_days)
    novelty = _decay(now - memory.created_at, recency.half_life_created_days)
    score = recency.freshness_weight * freshness + recency.novelty_weight * novelty
    return min(max(score, 0.0), 1.0)


def combined_score(memory: Memory, dist: float, now: float, recency: Recency) -> float:
    """similarity_weight × (1 - dist) + recency_weight × recency: the order of a page under recency ranking."""
    return recency.similarity_weight * (1.0 - dist) + recency.recency_weight * recency_score(memory, now, recency)
