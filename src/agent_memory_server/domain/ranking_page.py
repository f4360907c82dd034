"""One page of a ranking: each mode's list, of which every page is a slice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.distances import NOTHING as NO_DISTANCES
from agent_memory_server.domain.distances import Distances, Vector, joined
from agent_memory_server.domain.fusion import WORD_DEPTH, by_words, fuse
from agent_memory_server.domain.material import candidates, with_neighbours
from agent_memory_server.domain.query import Evidence, Mode, StoreQuery
from agent_memory_server.domain.ranking import ARM_DEPTH, Arm, Placed, by_bm25, by_distance
from agent_memory_server.domain.selection import Selection


@dataclass(frozen=True, slots=True)
class RankingPage:
    """The places of one page; total: places of the whole ranking; unembedded: see `Ranked`."""

    placed: list[Placed]
    total: int
    unembedded: int = 0


def _arm(distances: Distances) -> Arm:
    return Arm(distances.rids, distances.values.astype(np.float64))


def _cut(arm: Arm, start: int, stop: int) -> Arm:
    return Arm(arm.keys[start:stop], arm.scores[start:stop])


def _words_page(arm: Arm, start: int, stop: int) -> list[Placed]:
    if not len(arm.keys):
        return []
    return by_bm25(_cut(arm, start, stop), best=float(arm.scores[0]), before=start)


def keyword_page(selection: Selection, query: StoreQuery) -> RankingPage:
    """By words alone: the best WORD_DEPTH in the order that neighbours' words give, the others by BM25."""
    start, end = query.offset, query.offset + query.limit
    found = selection.keyword(query.terms, max(end, WORD_DEPTH))
    rids = found.arm.keys[:WORD_DEPTH]
    if not len(rids):
        return RankingPage([], found.total)
    material = candidates(selection, rids, found, rids[:0], NO_DISTANCES, None)
    placed = by_words(material, question=query.text, page=slice(start, end))
    if min(end, len(found.arm.keys)) > WORD_DEPTH:
        last = by_words(material, question=query.text, page=slice(len(rids) - 1, None))[0].score
        behind = _cut(found.arm, max(start, WORD_DEPTH), end)
        # Scores go on falling behind the refined part.
        best = float(found.arm.scores[WORD_DEPTH - 1]) / max(last, 1e-12)
        placed += by_bm25(behind, best=best, before=max(start, WORD_DEPTH))
    return RankingPage(placed, found.total)


def semantic_page(selection: Selection, query: StoreQuery, vector: Vector) -> RankingPage:
    """By distance alone; records without a vector that hold the words follow behind."""
    end = query.offset + query.limit
    owed = selection.owed()
    dense = selection.dense(vector)
    if query.within is None:
        best, total = dense.best(end, end), selection.records - len(owed)
    else:
        near = dense.within(query.within)
        best, total = near.best(end), len(near.rids)
    placed = by_distance(
        _arm(Distances(best.rids[query.offset : end], best.values[query.offset : end])), before=query.offset
    )
    if not len(owed):
        return RankingPage(placed, total)
    behind = selection.keyword(query.terms, max(end - total, 0), among=owed)
    placed += _words_page(behind.arm, max(query.offset - total, 0), max(end - total, 0))
    return RankingPage(placed, total + behind.total, unembedded=len(owed))


def hybrid_page(selection: Selection, query: StoreQuery, vector: Vector) -> RankingPage:
    """Both arms: their best ARM_DEPTH and the turns beside them fused, then what is left by distance, then by words.

    Required terms narrow the whole ranking.
    """
    start, end = query.offset, query.offset + query.limit
    required = [term for term in query.terms if term.required]
    among = selection.holding(required) if required else None
    records = selection.records if among is None else len(among)
    if not records:
        return RankingPage([], 0)
    owed = selection.owed()
    if among is not None:
        owed = np.intersect1d(owed, among, assume_unique=True)
    embedded = records - len(owed)
    words = selection.keyword(query.terms, ARM_DEPTH, among)
    dense = selection.dense(vector, among)
    best = dense.best(ARM_DEPTH, min(end, ARM_DEPTH))
    head = Distances(best.rids[:ARM_DEPTH], best.values[:ARM_DEPTH])
    beyond = words.arm.keys[~np.isin(words.arm.keys, head.rids)]
    fused = with_neighbours(selection, np.concatenate([head.rids, beyond]), words.arm.keys, among)
    distances = joined([head, dense.of(fused[len(head.rids) :])])
    seen = np.isin(fused, distances.rids) | np.isin(fused, words.arm.keys)
    fused = fused[seen]  # a turn without a vector comes in by words of its own only
    material = candidates(selection, fused, words, head.rids, distances, vector)
    placed = fuse(material, alpha=query.alpha, question=query.text, page=slice(start, end))
    if end > len(fused) and embedded > len(distances.rids):
        farther = dense.best(end, end)
        placed += _behind(_arm(farther), fused, len(fused), query, _by_distance_only)
    if not len(owed):
        return RankingPage(placed, embedded)
    unseen = selection.keyword(query.terms, end, among=owed)
    placed += _behind(unseen.arm, fused, embedded + int(np.isin(fused, owed).sum()), query, _by_words_only)
    return RankingPage(placed, embedded + unseen.total, unembedded=len(owed))


def _behind(
    arm: Arm, fused: Rids, before: int, query: StoreQuery, place: Callable[[int, float], Placed]
) -> list[Placed]:
    """Those of an arm that the fusion did not rank and that fall on the page. before: places ahead of them."""
    left = ~np.isin(arm.keys, fused)
    start, end = max(query.offset - before, 0), max(query.offset + query.limit - before, 0)
    keys, scores = arm.keys[left][start:end].tolist(), arm.scores[left][start:end].tolist()
    return [place(key, score) for key, score in zip(keys, scores, strict=True)]


def _by_distance_only(key: int, distance: float) -> Placed:
    return Placed(key, 1.0, 0.0, Mode.HYBRID, Evidence(distance=distance))


def _by_words_only(key: int, bm25: float) -> Placed:
    return Placed(key, 1.0, 0.0, Mode.HYBRID, Evidence(bm25=bm25))


def page_of(selection: Selection, query: StoreQuery) -> RankingPage:
    """The page that a query asks for, in its mode."""
    if query.mode is Mode.KEYWORD or query.vector is None:
        return keyword_page(selection, query)
    vector = np.ascontiguousarray(query.vector, np.float32)
    page = semantic_page if query.mode is Mode.SEMANTIC else hybrid_page
    return page(selection, query, vector)
