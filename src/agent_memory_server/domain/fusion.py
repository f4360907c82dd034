"""The fusion of both arms: candidates with their raw material in, one order out. Pure, and the same for all engines.

A search takes the best of each arm (by raw distance, and by BM25 of a record's own words), adds the turns beside those
that the words found, and ranks these candidates with what neighbours lend (`domain.turns`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.periods import date_factors
from agent_memory_server.domain.query import Evidence, Mode, StoreQuery
from agent_memory_server.domain.ranking import UNTOLD, Placed, bm25
from agent_memory_server.domain.relevance import WORDS, Estimates, share
from agent_memory_server.domain.repeats import collapsed, spread
from agent_memory_server.domain.told import Told
from agent_memory_server.domain.turns import speaker_factors

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Vectors = Callable[[Ints], NDArray[np.float32]]
"""Gives the vectors of some records, shape (n, dimensions), zero where a record has none."""

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
    vectors:   gives those of some candidates, by their places here; None in a search by words.
    asked:     the weight of all words of the question (`keyword.Found.asked`).
    """

    keys: NDArray[np.int64]
    distances: Floats
    pooled: Floats
    bm25: Floats
    words: Floats
    told: Told
    dense_ranks: NDArray[np.int64]
    keyword_ranks: NDArray[np.int64]
    vectors: Vectors | None = None
    asked: float = 0.0


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


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a ranking that candidates make. placed: of the page that was asked for; places: of the whole part;
    stood_for: candidates without a place of their own, as a better one says the same."""

    placed: list[Placed]
    places: int = 0
    stood_for: int = 0


_EMPTY = Part([])


def _shares(found: Candidates, rows: Ints) -> Floats:
    return share(found.words[rows], found.asked, SATURATION)


def relevances(found: Candidates, rows: Ints, estimates: Estimates) -> Floats:
    """The estimate of some of the candidates, NaN where it cannot be told, shape (len(rows),). By words alone where
    there is no vector and no other way."""
    shares = _shares(found, rows)
    if found.vectors is None:
        return WORDS.of(shares, shares)
    pooled = found.pooled[rows]
    both = np.full(len(rows), np.nan) if estimates.both is None else estimates.both.of(pooled, shares)
    return np.where(np.isnan(pooled), WORDS.of(shares, shares), both)


def _none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _relevant(order: Ints, found: Candidates, query: StoreQuery) -> Ints:
    """Those of the order that are relevant enough. What cannot be estimated is left out by no floor."""
    if query.min_relevance is None:
        return order
    return order[~(relevances(found, order, query.estimates) < query.min_relevance)]


def _places(
    found: Candidates, values: Floats, factors: tuple[Floats, Floats], order: Ints, mode: Mode, query: StoreQuery,
    also: Mapping[int, Sequence[int]],
) -> list[Placed]:  # fmt: skip
    """The page of an order of candidates. Scores belong to the places: they fall, whoever was moved."""
    if not len(order):
        return []
    falling = np.sort(values[order])[::-1]
    top = max(float(falling[0]), 1e-12)
    page = slice(query.offset, query.offset + query.limit)
    scores = np.clip(falling[page] / top, 0.0, 1.0).tolist()
    rows = order[page]
    relevance = relevances(found, rows, query.estimates).tolist()
    seen = _evidence(found, rows, factors) if query.explain else [UNTOLD] * len(rows)
    placed = []
    for i, score, estimate, evidence in zip(rows.tolist(), scores, relevance, seen, strict=True):
        others = tuple(int(found.keys[row]) for row in also.get(i, ()))
        placed.append(Placed(int(found.keys[i]), 1.0 - score, score, mode, evidence, _none(estimate), others))
    return placed


def _evidence(found: Candidates, rows: Ints, factors: tuple[Floats, Floats]) -> list[Evidence]:
    return [
        Evidence(
            dense_rank=int(found.dense_ranks[i]) or None,
            distance=_none(found.distances[i]),
            keyword_rank=int(found.keyword_ranks[i]) or None,
            bm25=float(found.bm25[i]) or None,
            similarity=_none(found.pooled[i]),
            words=float(found.words[i]) or None,
            share=held,
            factor=float(factors[0][i]),
            date_factor=float(factors[1][i]),
        )
        for i, held in zip(rows.tolist(), _shares(found, rows).tolist(), strict=True)
    ]


def fuse(found: Candidates, query: StoreQuery) -> Part:
    """Candidates in order: (alpha × similarity + (1 - alpha) × words, each scaled to 0 … 1) × the factors for the
    speaker and for the time that the question names; of what says the same only the better one, and near-repeats behind
    the others (`domain.repeats`).

    Similarity is scaled min-max, words by their best. A candidate without a vector is ranked by its words alone, so
    that what was stored a moment ago is found. Ties keep the order given. score is the value over the best one; dist
    is 1 - score, as the wire has it for hybrid search.
    """
    if not len(found.keys):
        return _EMPTY
    best = float(found.words.max())
    words = found.words / best if best > 0 else found.words
    embedded = ~np.isnan(found.pooled)
    similarity = words.copy()
    if embedded.any():
        similarity[embedded] = _scaled(found.pooled[embedded])
    told = found.told
    factors = speaker_factors(query.text, told.speakers, told.names), np.ones(len(found.keys))
    if query.periods:
        factors = factors[0], date_factors(query.periods, told.created, told.events)
    values = (query.alpha * similarity + (1.0 - query.alpha) * words) * factors[0] * factors[1]
    order, also = collapsed(np.argsort(-values, kind="stable"), told)
    stood_for = len(values) - len(order)
    order = spread(_relevant(order, found, query), found.vectors)
    return Part(_places(found, values, factors, order, Mode.HYBRID, query, also), len(order), stood_for)


def by_words(found: Candidates, query: StoreQuery) -> Part:
    """The keyword arm alone: candidates in order of their words × the speaker's factor; score over the best one."""
    if not len(found.keys):
        return _EMPTY
    factors = speaker_factors(query.text, found.told.speakers, found.told.names), np.ones(len(found.keys))
    values = found.words * factors[0]
    order = _relevant(np.argsort(-values, kind="stable"), found, query)
    return Part(_places(found, values, factors, order, Mode.KEYWORD, query, {}), len(order))
