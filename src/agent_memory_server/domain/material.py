"""The raw material of a search's candidates: what `domain.fusion` ranks them by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Rids, find
from agent_memory_server.domain.distances import Distances, Vector
from agent_memory_server.domain.fusion import Candidates, word_scores
from agent_memory_server.domain.keyword import Figures, Found
from agent_memory_server.domain.selection import Selection
from agent_memory_server.domain.turns import relative_lengths, weighted_counts
from agent_memory_server.domain.word_rows import Occurrences, WordRows


def with_neighbours(selection: Selection, rids: Rids, worded: Rids, among: Rids | None) -> Rids:
    """The candidates, and behind them the turns directly beside those that the words found, where that can be told.

    among: only these may join, ascending; None: every record of the selection.
    """
    if not len(worded):
        return rids
    more = selection.beside(np.sort(worded), among)
    return np.concatenate([rids, more[~np.isin(more, rids)]])


def candidates(
    selection: Selection, rids: Rids, words: Found, nearest: Rids, distances: Distances, vector: Vector | None
) -> Candidates:
    """The raw material of records. nearest: the dense arm in order; distances: of all that have a vector."""
    distance = np.full(len(rids), np.nan)
    order = np.argsort(rids, kind="stable")
    there = np.isin(distances.rids, rids)
    distance[order[find(rids[order], distances.rids[there])]] = distances.values[there]
    lent = selection.lent(rids, words, vector)
    bm25 = dict(zip(words.arm.keys.tolist(), words.arm.scores.tolist(), strict=True))
    return Candidates(
        keys=rids,
        distances=distance,
        pooled=np.where(np.isnan(distance), np.nan, lent.pooled),
        bm25=np.array([bm25.get(rid, 0.0) for rid in rids.tolist()]),
        words=lent.words,
        told=lent.told,
        vectors=lent.vectors,
        asked=words.asked,
        dense_ranks=_ranks(rids, nearest),
        keyword_ranks=_ranks(rids, words.arm.keys),
    )


def _ranks(rids: Rids, arm: Rids) -> NDArray[np.int64]:
    places = dict(zip(arm.tolist(), range(1, len(arm) + 1), strict=True))
    return np.array([places.get(rid, 0) for rid in rids.tolist()], np.int64)


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
