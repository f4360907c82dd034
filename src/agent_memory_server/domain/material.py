"""The raw material of a search's candidates: what `domain.fusion` ranks them by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Rids, places_of
from agent_memory_server.domain.distances import Vector
from agent_memory_server.domain.fusion import Candidates, word_scores
from agent_memory_server.domain.keyword import Figures, Found
from agent_memory_server.domain.selection import Selection
from agent_memory_server.domain.turns import relative_lengths, weighted_counts
from agent_memory_server.domain.word_rows import Occurrences, WordRows


def candidates(
    selection: Selection, rids: Rids, words: Found, nearest: int, distances: NDArray[np.float64], vector: Vector | None
) -> Candidates:
    """The raw material of records, which include all of the keyword arm.

    nearest: how many of them, the first ones, are the dense arm in its order; distances: of each, NaN without a vector.
    """
    lent = selection.lent(rids, words, vector)
    bm25, keyword_ranks = np.zeros(len(rids)), np.zeros(len(rids), np.int64)
    arm = words.arm.keys[: len(rids)]
    at = places_of(rids, arm)
    bm25[at] = words.arm.scores[: len(rids)]
    keyword_ranks[at] = np.arange(1, len(arm) + 1)
    dense_ranks = np.zeros(len(rids), np.int64)
    dense_ranks[:nearest] = np.arange(1, nearest + 1)
    return Candidates(
        keys=rids,
        distances=distances,
        pooled=np.where(np.isnan(distances), np.nan, lent.pooled),
        bm25=bm25,
        words=lent.words,
        told=lent.told,
        dense_ranks=dense_ranks,
        keyword_ranks=keyword_ranks,
        vectors=lent.vectors,
        asked=words.asked,
    )


def lent_words(
    figures: Figures, words: Found, found: Sequence[Occurrences], rows: WordRows, at: NDArray[np.int64],
    near: NDArray[np.int64],
) -> NDArray[np.float64]:  # fmt: skip
    """`word_scores` of rows `at` with their neighbours `near` (`Around.of`). found: of each term among all the rows."""
    if not words.terms:
        return np.zeros(len(at))
    mean = max(figures.words / max(figures.records, 1), 1e-9)
    counts = weighted_counts(found, len(rows.lengths), at, near)
    return word_scores(counts, relative_lengths(rows.lengths, at, near, mean), words.frequencies, figures.records)
