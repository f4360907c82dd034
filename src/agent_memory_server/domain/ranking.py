"""How records are ranked: BM25 over a scope's own word statistics, and the order of each arm alone.

Engines deliver raw material; every number that decides an order is computed in the domain (the fusion of both arms
in `domain.fusion`, what turns lend to each other in `domain.turns`), so all engines rank alike. All functions are pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.query import Evidence, Mode

K1 = 1.2
B = 0.75
ARM_DEPTH = 100
"""Candidates that each arm gives to the fusion. More changed nothing measurable on development conversations."""

COMMON_SHARE = 0.05
"""A word in more than this share of the records is dropped from wide searches while a rarer one remains."""

WIDE_ROWS = 20_000
"""Scopes above this many records are searched with common words dropped; smaller ones with all words."""

MAX_TERMS = 8
"""Words a wide search looks up at most: the rarest."""

Floats = NDArray[np.float64]


def idf(rows: int, frequency: int) -> float:
    """Weight of a word that `frequency` of `rows` records hold: ln(1 + (N - n + 0.5) / (n + 0.5)), never negative.

    Source: Robertson & Zaragoza 2009, in the form that Lucene uses since version 6.
    """
    return math.log(1.0 + (rows - frequency + 0.5) / (frequency + 0.5))


def keep_terms(frequencies: Sequence[int], rows: int) -> list[int]:
    """Which query terms a search looks for, as indices into `frequencies` in their order.

    frequencies: for each term, how many of the scope's `rows` records hold it.
    A term that no record holds is dropped. In a scope of more than WIDE_ROWS records, terms above COMMON_SHARE
    are dropped while a rarer one remains, and at most the MAX_TERMS rarest are kept: they decide which records match.
    Every term that is present counts for the score of a match. Required terms are the store's to keep: this rule is
    for the optional ones.
    """
    present = [i for i, n in enumerate(frequencies) if n > 0]
    if rows <= WIDE_ROWS or not present:
        return present
    rare = [i for i in present if frequencies[i] <= COMMON_SHARE * rows]
    kept = rare or [min(present, key=lambda i: frequencies[i])]
    return sorted(sorted(kept, key=lambda i: frequencies[i])[:MAX_TERMS])


def bm25(
    counts: NDArray[np.float64],
    lengths: Floats,
    frequencies: Sequence[int],
    rows: int,
    mean_length: float,
    k1: float = K1,
) -> Floats:
    """Okapi BM25 of n records for t words, shape (n,).

    counts:      (n, t), how often each record holds each word.
    lengths:     (n,), words in each record.
    frequencies: t numbers, in how many of the scope's records each word stands; rows: records in the scope;
    mean_length: mean words of a record in the scope, > 0.
    """
    weights = np.array([idf(rows, n) for n in frequencies])
    norm = k1 * (1.0 - B + B * lengths / max(mean_length, 1e-9))
    saturated: Floats = counts * (k1 + 1.0) / (counts + norm[:, None])
    result: Floats = saturated @ weights
    return result


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm's candidates, best first: keys (engine-internal), and raw scores of the same length.

    Dense scores are cosine distances (ascending); keyword scores are BM25 (descending).
    """

    keys: NDArray[np.int64]
    scores: Floats


@dataclass(frozen=True, slots=True)
class Placed:
    """One place in a ranking. relevance: `domain.relevance`, None where it cannot be told; also: keys of the records
    that say the same and have no place of their own."""

    key: int
    dist: float
    score: float
    mode: Mode
    evidence: Evidence
    relevance: float | None = None
    also: tuple[int, ...] = ()


UNTOLD = Evidence()
"""Of places whose evidence nobody asked for."""


def by_distance(
    arm: Arm, *, before: int = 0, relevance: Sequence[float | None] | None = None, explain: bool = True
) -> list[Placed]:
    """The dense arm alone: dist is the cosine distance, score max(0, 1 - dist).

    before: records ahead of `arm`, where it is a later page of the ranking. relevance: of each, None: of none.
    explain: False spares the evidence, which takes as long to make as all the rest.
    """
    estimates = [None] * len(arm.keys) if relevance is None else relevance
    placed = zip(arm.keys.tolist(), arm.scores.tolist(), estimates, strict=True)
    return [
        Placed(
            key,
            d,
            1.0 - d if d < 1.0 else 0.0,
            Mode.SEMANTIC,
            Evidence(dense_rank=i, distance=d) if explain else UNTOLD,
            estimate,
        )
        for i, (key, d, estimate) in enumerate(placed, start=before + 1)
    ]


def by_bm25(arm: Arm, best: float | None = None, *, before: int = 0) -> list[Placed]:
    """Records by BM25 of their own words: score is BM25 over the ranking's best, dist max(0, 1 - score).

    best, before: BM25 of the first record of the whole ranking and the records ahead of `arm`, where `arm` is a
    later page of it.
    """
    if not len(arm.keys):
        return []
    top = max(float(arm.scores[0]) if best is None else best, 1e-12)
    return [
        Placed(
            int(key),
            max(0.0, 1.0 - float(s) / top),
            min(1.0, float(s) / top),
            Mode.KEYWORD,
            Evidence(keyword_rank=i, bm25=float(s)),
        )
        for i, (key, s) in enumerate(zip(arm.keys, arm.scores, strict=True), start=before + 1)
    ]
