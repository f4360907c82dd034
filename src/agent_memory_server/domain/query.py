"""What a search asks of a store, and what the store answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.filters import EVERYTHING, Filter
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.relevance import NOT_FITTED, Estimates

DEFAULT_ALPHA = 0.5
"""Share of meaning in the fusion where a caller names none; chosen in `docs/benchmarks.md`."""


class Mode(StrEnum):
    """semantic: vector distance alone; keyword: words alone; hybrid: both, fused."""

    SEMANTIC = "semantic"
    KEYWORD = "keyword"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for: a word, or a quoted phrase as its words in order. Words are as the index has them."""

    words: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    """start ≤ time < end, Unix seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreQuery:
    """A ranked question to a store.

    mode:   semantic: order by distance alone (terms serve only records without a vector); keyword: by words alone;
            hybrid: both, fused.
    vector: unit length, shape (dimensions,); None in keyword mode only.
    terms:  what the query's text asks for (`domain.words.query_terms`); empty leaves the keyword arm out. A record
            is in the keyword arm when it holds one of them, and every required one.
    text:   the question as it was asked: whom it names decides between speakers (`domain.turns`).
    alpha:  share of the dense arm when both arms run, 0 … 1.
    within: only records with a cosine distance of at most this (0 … 2); dense arm alone.
    periods: the times that the question names; hybrid mode alone (`domain.periods`).
    estimates: how relevance is estimated for the vector's model; None: by words alone.
    min_relevance: only results whose estimate is at least this, 0 … 1; the ranking then ends with its candidates.
    """

    mode: Mode
    filter: Filter = EVERYTHING
    vector: NDArray[np.float32] | None = None
    terms: tuple[Term, ...] = ()
    text: str = ""
    alpha: float = DEFAULT_ALPHA
    within: float | None = None
    periods: tuple[Period, ...] = ()
    estimates: Estimates = NOT_FITTED
    min_relevance: float | None = None
    limit: int = 10
    offset: int = 0
    explain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How each arm saw a result: rank (from 1) and raw score. None where the arm did not find it.

    similarity: cosine similarity with the neighbouring turns' vectors pooled in; words: BM25 with their words
    counted in. Both are what the fusion mixes. share: what the record holds with its neighbours of the weight of the
    query's words, 0 … 1 (`relevance.share`). factor: by what the fused value was multiplied for the speaker.
    date_factor: by what it was multiplied for lying in a time that the question names.
    also: ids of records that say the same (a message and what was read out of it) and stand for no place of their own.
    span: where in the text most of the matched words stand together, as first character and the one behind the last.
    rerank: the re-ranker's score, on its own scale.
    """

    dense_rank: int | None = None
    distance: float | None = None
    keyword_rank: int | None = None
    bm25: float | None = None
    matched_words: tuple[str, ...] = ()
    similarity: float | None = None
    words: float | None = None
    share: float | None = None
    factor: float = 1.0
    date_factor: float = 1.0
    also: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    rerank: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A result. `dist` and `score` are the wire's (0 … 2 and 0 … 1); `mode` tells which ranking made them.

    relevance: `domain.relevance`; None in a listing, and where it is not fitted for the model.
    """

    memory: Memory
    dist: float
    score: float | None = None
    mode: Mode | None = None
    relevance: float | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A page of a ranking.

    total:   the true number of records in the whole ranking.
    unembedded: records within scope and filter that have no vector yet, so the dense arm cannot see them;
             they were searched by words only and follow behind the dense ranking.
    """

    hits: tuple[Hit, ...]
    total: int
    unembedded: int = 0


class Order(StrEnum):
    """Order of a listing. NEWEST: by creation, newest first, ties by id; STORED: by id. A record keeps its
    place in both for its whole life."""

    NEWEST = "newest"
    STORED = "stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a listing. `total` is true; `cursor` continues behind the last record, None at the end."""

    memories: tuple[Memory, ...]
    total: int
    cursor: str | None = None
