"""The fusion of both arms: candidates with their raw material in, one order out. Pure, and the same for all engines.

A search takes the best of each arm (by raw distance, and by BM25 of a record's own words), adds the turns beside those
that the words found, and ranks these candidates with what neighbours lend (`domain.turns`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.query import Evidence, Mode
from agent_memory_server.domain.ranking import Placed, bm25
from agent_memory_server.domain.told import Told
from agent_memory_server.domain.turns import speaker_factors

Floats = NDArray[np.float64]

SATURATION = 0.2
"""k1 of BM25 with neighbours' words, in units of own words. The recipe counts own words 3 times, under which this is
k1 = 0.6; chosen in `docs/benchmarks.md`."""

WORD_DEPTH = 300
"""Records whose order the keyword mode refines with neighbours' words; those behind stay in the order of BM25."""


_EQUAL = 1e-5
"""Similarities within this are equal but for the rounding of 32-bit vectors, which must not be scaled up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Raw material of n candidates, in the order that decides between equal ones.

    keys:      engine-internal numbers, shape (n,).
    distances: raw cosine distance, NaN where a record has no vector.
    pooled:    `turns.pooled_similarities`, NaN where the record has no vector.
    bm25:      BM25 of its own words, 0 where it holds none.
    words:     `word_scores`, neighbours' words included; 0 where there are none.
    told:      who speaks, when, and which messages they are (`told.Told`).
    dense_ranks, keyword_ranks: place in each arm from 1, 0 where the arm did not find it.
    """

    keys: NDArray[np.int64]
    distances: Floats
    pooled: Floats
    bm25: Floats
    words: Floats
    told: Told
    dense_ranks: NDArray[np.int64]
    keyword_ranks: NDArray[np.int64]


def word_scores(counts: Floats, relative: Floats, frequencies: list[int] | tuple[int, ...], records: int) -> Floats:
    """BM25 of candidates with their neighbours' words, shape (n,).

    counts: `turns.weighted_counts`; relative: `turns.relative_lengths`; frequencies: for each word, how many of the
    `records` records of the searched scope hold it themselves.
    """
    return bm25(counts, relative, frequencies, records, 1.0, k1=SATURATION)


def _scaled(values: Floats) -> Floats:
    low, high = float(values.min()), float(values.max())
    if high - low < _EQUAL:
        return np.ones_like(values)
    scaled: Floats = (values - low) / (high - low)
    return scaled


def _none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _placed(found: Candidates, values: Floats, factors: Floats, mode: Mode, page: slice) -> list[Placed]:
    order = np.argsort(-values, kind="stable")
    top = max(float(values[order[0]]), 1e-12)
    placed = []
    for i in order[page].tolist():
        score = min(max(float(values[i]) / top, 0.0), 1.0)
        evidence = Evidence(
            dense_rank=int(found.dense_ranks[i]) or None,
            distance=_none(found.distances[i]),
            keyword_rank=int(found.keyword_ranks[i]) or None,
            bm25=float(found.bm25[i]) or None,
            similarity=_none(found.pooled[i]),
            words=float(found.words[i]) or None,
            factor=float(factors[i]),
        )
        placed.append(Placed(int(found.keys[i]), max(0.0, 1.0 - score), score, mode, evidence))
    return placed


def fuse(found: Candidates, *, alpha: float, question: str = "", page: slice = slice(None)) -> list[Placed]:
    """Candidates in order: (alpha × similarity + (1 - alpha) × words, each scaled to 0 … 1) × the speaker's factor.

    Similarity is scaled min-max, words by their best. A candidate without a vector is ranked by its words alone, so
    that what was stored a moment ago is found. Ties keep the order given. score is the value over the best one; dist
    is max(0, 1 - score), as the wire has it for hybrid search. page: the places of the ranking to give.
    """
    if not len(found.keys):
        return []
    best = float(found.words.max())
    words = found.words / best if best > 0 else found.words
    embedded = ~np.isnan(found.pooled)
    similarity = words.copy()
    if embedded.any():
        similarity[embedded] = _scaled(found.pooled[embedded])
    factors = speaker_factors(question, found.told.speakers, found.told.names)
    return _placed(found, (alpha * similarity + (1.0 - alpha) * words) * factors, factors, Mode.HYBRID, page)


def by_words(found: Candidates, *, question: str = "", page: slice = slice(None)) -> list[Placed]:
    """The keyword arm alone: candidates in order of their words × the speaker's factor; score over the best one."""
    if not len(found.keys):
        return []
    factors = speaker_factors(question, found.told.speakers, found.told.names)
    return _placed(found, found.words * factors, factors, Mode.KEYWORD, page)
