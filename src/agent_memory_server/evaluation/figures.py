"""Retrieval figures from ranked answers. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

DEPTHS = (5, 10)


@dataclass(frozen=True, slots=True)
class Answered:
    """One question's result: the turn ids found, best first, what they should have been, and the time it took."""

    category: str
    found: tuple[str, ...]
    evidence: frozenset[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares from 0 to 1 over the questions that have evidence.

    any_at[k]:    share of questions with at least one evidence turn among the first k results.
    recall_at[k]: mean share of a question's evidence turns among the first k results.
    mrr:          mean of 1 / rank of the first evidence turn, 0 when none was found.
    """

    questions: int
    any_at: dict[int, float]
    recall_at: dict[int, float]
    mrr: float


def figures(answers: Sequence[Answered]) -> Figures:
    """The figures of these answers; those without evidence do not count."""
    asked = [answer for answer in answers if answer.evidence]
    count = max(len(asked), 1)
    any_at = {k: sum(bool(a.evidence & set(a.found[:k])) for a in asked) / count for k in DEPTHS}
    recall_at = {k: sum(len(a.evidence & set(a.found[:k])) / len(a.evidence) for a in asked) / count for k in DEPTHS}
    ranks = [next((i for i, id_ in enumerate(a.found, 1) if id_ in a.evidence), None) for a in asked]
    return Figures(len(asked), any_at, recall_at, sum(1 / rank for rank in ranks if rank) / count)


def percentiles_ms(answers: Sequence[Answered]) -> dict[str, float]:
    """p50, p95 and p99 of the answers' times, in milliseconds."""
    times = sorted(answer.seconds * 1000 for answer in answers)
    if len(times) < 2:
        value = times[0] if times else 0.0
        return {"p50": value, "p95": value, "p99": value}
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}
