"""How candidates are ranked: BM25 over a scope's own word statistics, and the fusion of two arms.

Engines deliver candidates with raw scores; every number that decides an order is computed here, so both
engines rank alike. All functions are pure.
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
    counts: NDArray[np.float64], lengths: Floats, frequencies: Sequence[int], rows: int, mean_length: float
) -> Floats:
    """Okapi BM25 of n records for t words, shape (n,).

    counts:      (n, t), how often each record holds each word.
    lengths:     (n,), words in each record.
    frequencies: t numbers, in how many of the scope's records each word stands; rows: records in the scope;
    mean_length: mean words of a record in the scope, > 0.
    """
    weights = np.array([idf(rows, n) for n in frequencies])
    norm = K1 * (1.0 - B + B * lengths / max(mean_length, 1e-9))
    saturated: Floats = counts * (K1 + 1.0) / (counts + norm[:, None])
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
    """One place in a ranking."""

    key: int
    dist: float
    score: float
    mode: Mode
    evidence: Evidence


def _scaled(values: Floats) -> Floats:
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-12:
        return np.ones_like(values)
    scaled: Floats = (values - low) / (high - low)
    return scaled


def by_distance(arm: Arm, *, before: int = 0) -> list[Placed]:
    """The dense arm alone: dist is the cosine distance, score max(0, 1 - dist).

    before: records ahead of `arm`, where it is a later page of the ranking.
    """
    return [
        Placed(key, d, max(0.0, 1.0 - d), Mode.SEMANTIC, Evidence(dense_rank=i, distance=d))
        for i, (key, d) in enumerate(zip(arm.keys.tolist(), arm.scores.tolist(), strict=True), start=before + 1)
    ]


def by_words(arm: Arm, best: float | None = None, *, before: int = 0) -> list[Placed]:
    """The keyword arm alone: score is BM25 over the ranking's best, dist max(0, 1 - score).

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


def fuse(
    dense: Arm, words: Arm, *, alpha: float, distances: dict[int, float], page: slice = slice(None)
) -> list[Placed]:
    """Both arms united and fused convexly: alpha × similarity + (1 - alpha) × BM25, each scaled min-max to 0 … 1.

    distances: cosine distance of keyword candidates that the dense arm did not reach; a key missing there has no
    vector (yet) and is ranked by its words alone, so that what was stored a moment ago is found. A candidate the
    keyword arm did not reach counts as BM25 0.
    Ties keep the dense order, then the keyword order. score is the fused value over the best one; dist is
    max(0, 1 - score), as the wire has it for hybrid search. page: the places of the ranking to give.
    """
    dense_at = {
        key: (i, d) for i, (key, d) in enumerate(zip(dense.keys.tolist(), dense.scores.tolist(), strict=True), 1)
    }
    words_at = {
        key: (i, s) for i, (key, s) in enumerate(zip(words.keys.tolist(), words.scores.tolist(), strict=True), 1)
    }
    keys = list(dict.fromkeys([*dense_at, *words_at]))
    if not keys:
        return []
    known = distances | {key: d for key, (_, d) in dense_at.items()}
    far = max(known.values(), default=0.0)
    distance = np.array([known.get(key, far) for key in keys])
    bm = np.array([words_at[key][1] if key in words_at else 0.0 for key in keys])
    wordscore = bm / bm.max() if bm.max() > 0 else bm
    similarity = np.where([key in known for key in keys], _scaled(-distance), wordscore)
    fused = alpha * similarity + (1.0 - alpha) * wordscore
    order = np.argsort(-fused, kind="stable")
    top = max(float(fused[order[0]]), 1e-12)
    placed = []
    for index in order[page].tolist():
        key = keys[index]
        score = float(fused[index]) / top
        in_dense, in_words = dense_at.get(key), words_at.get(key)
        evidence = Evidence(
            dense_rank=in_dense[0] if in_dense else None,
            distance=known.get(key),
            keyword_rank=in_words[0] if in_words else None,
            bm25=in_words[1] if in_words else None,
        )
        placed.append(Placed(key, max(0.0, 1.0 - score), score, Mode.HYBRID, evidence))
    return placed
