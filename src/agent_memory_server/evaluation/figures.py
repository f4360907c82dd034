"""Retrieval figures from the places at which evidence was found, with how sure they are. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DEPTHS = (1, 3, 5, 10, 20)
RESAMPLES = 2000
"""Samples of a bootstrap: enough that the ends of a 95 % interval move by less than half a point between seeds."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ranks:
    """Where a question's evidence was found. found: places from 1, ascending; evidence: how many there are to find."""

    found: tuple[int, ...]
    evidence: int


@dataclass(frozen=True, slots=True)
class Answered:
    """One question's result: at turn level, at session level (a session's place is that of its best turn), and the
    seconds from request to answer."""

    id: str
    category: str
    turns: Ranks
    sessions: Ranks
    seconds: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """95 % intervals (low, high) of the figures of the same names."""

    any_at: dict[int, Interval]
    recall_at: dict[int, Interval]
    mrr: Interval


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares from 0 to 1 over the questions that have evidence.

    any_at[k]:    share of questions with at least one piece of evidence among the first k.
    recall_at[k]: mean share of a question's evidence among the first k.
    mrr:          mean of 1 / place of the first piece, 0 when none was found.
    interval:     how sure they are, None for fewer than two questions.
    """

    questions: int
    any_at: dict[int, float]
    recall_at: dict[int, float]
    mrr: float
    interval: Intervals | None


def ranks(found: Sequence[str], evidence: frozenset[str]) -> Ranks:
    """found: ids, best first; each counts once, at its first place."""
    distinct = list(dict.fromkeys(found))
    return Ranks(tuple(place for place, id_ in enumerate(distinct, 1) if id_ in evidence), len(evidence))


def figures(results: Sequence[Ranks], *, seed: int = 0) -> Figures:
    """The figures of these questions; those without evidence do not count. seed: of the intervals' bootstrap."""
    rows = [scores(each) for each in results if each.evidence]
    if not rows:
        nothing = dict.fromkeys(DEPTHS, 0.0)
        return Figures(0, nothing, dict(nothing), 0.0, None)
    values = np.array(rows)
    means = values.mean(axis=0).tolist()
    any_at, recall_at, mrr = _named(means)
    return Figures(len(rows), any_at, recall_at, mrr, _intervals(values, seed))


def scores(result: Ranks) -> list[float]:
    """One question's values: any@k and recall@k for each of DEPTHS, then 1 / place of the first piece."""
    within = [sum(place <= k for place in result.found) for k in DEPTHS]
    first = 1 / result.found[0] if result.found else 0.0
    return [float(n > 0) for n in within] + [n / result.evidence for n in within] + [first]


def bootstrap(values: Floats, seed: int) -> Floats:
    """Ends of the 95 % intervals of the columns' means, shape (2, columns), by resampling the rows.

    values: shape (rows, columns). Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993 (percentiles).
    """
    count = len(values)
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    ends: Floats = np.percentile(weights @ values / count, [2.5, 97.5], axis=0)
    return ends


def _named(columns: Sequence[float]) -> tuple[dict[int, float], dict[int, float], float]:
    depth = len(DEPTHS)
    return dict(zip(DEPTHS, columns, strict=False)), dict(zip(DEPTHS, columns[depth:], strict=False)), columns[-1]


def _intervals(values: Floats, seed: int) -> Intervals | None:
    if len(values) < 2:
        return None
    low, high = (_named(end) for end in bootstrap(values, seed).tolist())
    any_at = {k: (low[0][k], high[0][k]) for k in DEPTHS}
    recall_at = {k: (low[1][k], high[1][k]) for k in DEPTHS}
    return Intervals(any_at, recall_at, (low[2], high[2]))


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 of times, in milliseconds."""
    times = sorted(each * 1000 for each in seconds)
    if len(times) < 2:
        value = times[0] if times else 0.0
        return {"p50": value, "p95": value, "p99": value}
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}
