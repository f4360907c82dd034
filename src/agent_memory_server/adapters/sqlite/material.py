"""The raw material of a search's candidates: what `domain.fusion` ranks them by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.blocks import BlockView
from agent_memory_server.adapters.sqlite.exact import Distances
from agent_memory_server.adapters.sqlite.fetch import fetch_for
from agent_memory_server.adapters.sqlite.keyword import Found, stored_words
from agent_memory_server.adapters.sqlite.ranges import Rids, find
from agent_memory_server.adapters.sqlite.selection import Selection
from agent_memory_server.adapters.sqlite.turn_rows import beside
from agent_memory_server.domain.fusion import Candidates, word_scores
from agent_memory_server.domain.turns import pooled_similarities, relative_lengths, weighted_counts
from agent_memory_server.domain.word_rows import Occurrences, WordRows

Vector = NDArray[np.float32]
_VECTORS = "SELECT v.rid, v.v FROM carray(?) a CROSS JOIN vecs v ON v.rid = a.value"


def with_neighbours(selection: Selection, rids: Rids, worded: Rids, among: Rids | None) -> Rids:
    """The candidates, and behind them the turns directly beside those that the words found, where they are in memory.

    among: only these may join, ascending; None: every record of the selection.
    """
    block = selection.block
    if block is None or not len(worded):
        return rids
    places, _ = block.turns(selection.connection)
    near = places.of(block.rows_of(np.sort(worded)))[:, :2]
    more = block.rids[np.unique(near[near >= 0])]
    allowed = selection.allowed if among is None else among
    if allowed is not None:
        more = np.intersect1d(more, allowed, assume_unique=True)
    return np.concatenate([rids, np.sort(more[~np.isin(more, rids)])])


def candidates(
    selection: Selection, rids: Rids, words: Found, nearest: Rids, distances: Distances, vector: Vector | None
) -> Candidates:
    """The raw material of records. nearest: the dense arm in order; distances: of all that have a vector."""
    distance = np.full(len(rids), np.nan)
    order = np.argsort(rids, kind="stable")
    there = np.isin(distances.rids, rids)
    distance[order[find(rids[order], distances.rids[there])]] = distances.values[there]
    block = selection.block
    if block is not None:
        scores, lent = _in_block(block, selection, rids, words, vector)
    else:
        scores, lent = _in_file(selection, rids, words, vector)
    pooled, speakers = lent
    bm25 = dict(zip(words.arm.keys.tolist(), words.arm.scores.tolist(), strict=True))
    return Candidates(
        keys=rids,
        distances=distance,
        pooled=np.where(np.isnan(distance), np.nan, pooled),
        bm25=np.array([bm25.get(rid, 0.0) for rid in rids.tolist()]),
        words=scores,
        speakers=speakers,
        dense_ranks=_ranks(rids, nearest),
        keyword_ranks=_ranks(rids, words.arm.keys),
    )


def _ranks(rids: Rids, arm: Rids) -> NDArray[np.int64]:
    places = dict(zip(arm.tolist(), range(1, len(arm) + 1), strict=True))
    return np.array([places.get(rid, 0) for rid in rids.tolist()], np.int64)


def _scores(
    selection: Selection, words: Found, found: Sequence[Occurrences], rows: WordRows, at: NDArray[np.int64],
    near: NDArray[np.int64],
) -> NDArray[np.float64]:  # fmt: skip
    if not words.terms:
        return np.zeros(len(at))
    selected = selection.selected
    mean = max(selected.words / max(selected.records, 1), 1e-9)
    counts = weighted_counts(found, len(rows.lengths), at, near)
    return word_scores(counts, relative_lengths(rows.lengths, at, near, mean), words.frequencies, selected.records)


Lent = tuple[NDArray[np.float64], tuple[str, ...]]


def _in_block(
    block: BlockView, selection: Selection, rids: Rids, words: Found, vector: Vector | None
) -> tuple[NDArray[np.float64], Lent]:
    order = np.argsort(rids, kind="stable")
    at = np.empty(len(rids), np.int64)
    at[order] = block.rows_of(rids[order])
    places, everybody = block.turns(selection.connection)
    near = places.of(at)
    speakers = tuple(everybody[row] for row in at.tolist())
    scores = _scores(selection, words, words.occurrences, block.words, at, near)
    if vector is None:
        return scores, (np.full(len(rids), np.nan), speakers)
    beside_it = [np.where(near[:, i, None] >= 0, block.vectors[near[:, i]], np.float32(0)) for i in (0, 1)]
    return scores, (pooled_similarities(block.vectors[at], beside_it[0], beside_it[1], vector), speakers)


def _in_file(selection: Selection, rids: Rids, words: Found, vector: Vector | None) -> tuple[NDArray[np.float64], Lent]:
    known = beside(selection.connection, rids)
    _, rows = stored_words(selection.connection, known.rids)
    found = [rows.occurrences(term) for term in words.terms]
    scores = _scores(selection, words, found, rows, known.rows, known.beside)
    if vector is None:
        return scores, (np.full(len(rids), np.nan), known.speakers)
    vectors = np.zeros((len(known.rids) + 1, len(vector)), np.float32)  # the last one stands for "no turn"
    for rid, stored in fetch_for(selection.connection, _VECTORS, known.rids):
        vectors[np.searchsorted(known.rids, rid)] = np.frombuffer(stored, "<f4")
    pooled = pooled_similarities(vectors[known.rows], vectors[known.beside[:, 0]], vectors[known.beside[:, 1]], vector)
    return scores, (pooled, known.speakers)
