"""The keyword arm: records that hold the terms, ranked by BM25 with the statistics of what is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.query import Term
from agent_memory_server.domain.ranking import Arm, bm25, idf, keep_terms
from agent_memory_server.domain.word_rows import Occurrences, WordRows


class Figures(Protocol):
    """Of the namespaces and users that are searched, whatever else is filtered."""

    @property
    def records(self) -> int:
        """Records there are."""
        ...

    @property
    def words(self) -> int:
        """The sum of their lengths."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """Figures that were counted."""

    records: int
    words: int


@dataclass(frozen=True, slots=True)
class Found:
    """arm: the best records in order; total: records that match in all. terms, frequencies: what counts for a score,
    and how many of the selection's records hold it. asked: the weight (`ranking.idf`) of all that the query asks for,
    words that no record holds included."""

    arm: Arm
    total: int
    terms: tuple[Term, ...] = ()
    frequencies: tuple[int, ...] = ()
    occurrences: tuple[Occurrences, ...] = ()
    """of the terms, in the rows of the block that was searched"""
    asked: float = 0.0


NOTHING = Found(Arm(np.empty(0, np.int64), np.empty(0)), 0)


@dataclass(frozen=True, slots=True)
class Kept:
    """terms: those that decide which records match. weighed, frequencies: every term that some record holds, and how
    many of the selection do: all of them count for the score of a match. asked: see `Found`."""

    terms: tuple[Term, ...]
    weighed: tuple[Term, ...]
    frequencies: tuple[int, ...]
    asked: float

    def score(
        self, words: WordRows, found: Sequence[Occurrences], rows: NDArray[np.int64], figures: Figures
    ) -> NDArray[np.float64]:
        """BM25 of rows (ascending). found: for each weighed term."""
        mean = figures.words / figures.records if figures.records else 1.0
        lengths = words.lengths[rows].astype(np.float64)
        return bm25(_counts(found, rows), lengths, self.frequencies, figures.records, max(mean, 1e-9))

    def holding(self, found: Sequence[Occurrences]) -> NDArray[np.int64]:
        """Rows with one of the kept terms and every required one, ascending. found: for each weighed term."""
        deciding = [one for term, one in zip(self.weighed, found, strict=True) if term in self.terms]
        rows = deciding[0].rows
        if len(deciding) > 1:
            held = np.zeros(max((int(one.rows[-1]) + 1 for one in deciding if len(one.rows)), default=0), np.bool_)
            for one in deciding:
                held[one.rows] = True
            rows = np.flatnonzero(held)
        for term, one in zip(self.weighed, found, strict=True):
            if term.required:
                rows = np.intersect1d(rows, one.rows, assume_unique=True)
        return rows


def kept_terms(terms: Sequence[Term], frequencies: Sequence[int], records: int) -> Kept | None:
    """Every required term and the optional ones that `keep_terms` chooses; None: no record can match."""
    required = [i for i, term in enumerate(terms) if term.required]
    if any(frequencies[i] == 0 for i in required):
        return None
    optional = [i for i, term in enumerate(terms) if not term.required]
    chosen = [optional[i] for i in keep_terms([frequencies[i] for i in optional], records)]
    deciding = sorted(required + chosen)
    if not deciding:
        return None
    held = [i for i, frequency in enumerate(frequencies) if frequency > 0]
    return Kept(
        tuple(terms[i] for i in deciding),
        tuple(terms[i] for i in held),
        tuple(frequencies[i] for i in held),
        asked=sum(idf(records, frequency) for frequency in frequencies),
    )


def _counts(found: Sequence[Occurrences], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each of the rows (ascending) holds each term, shape (rows, terms)."""
    counts = np.zeros((len(rows), len(found)))
    for column, occurrences in enumerate(found):
        at = np.searchsorted(rows, occurrences.rows)
        at[at == len(rows)] = 0
        here = rows[at] == occurrences.rows if len(rows) else np.zeros(len(at), np.bool_)
        counts[at[here], column] = occurrences.counts[here]
    return counts


def ordered(rids: Rids, scores: NDArray[np.float64], wanted: int) -> Arm:
    """The best `wanted` in order; equal ones by record number."""
    if 0 < wanted < len(scores):
        bound = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
        near = np.flatnonzero(scores >= bound)
        rids, scores = rids[near], scores[near]
    order = np.lexsort((rids, -scores))[:wanted]
    return Arm(rids[order], scores[order])
