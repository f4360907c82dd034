"""One page of a ranking: each mode's list, of which every page is a slice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.arrays import Rids, members
from agent_memory_server.domain.distances import Distances, Vector
from agent_memory_server.domain.fusion import WORD_DEPTH, by_words, fuse
from agent_memory_server.domain.keyword import Found
from agent_memory_server.domain.material import candidates
from agent_memory_server.domain.periods import DATED_DEPTH
from agent_memory_server.domain.query import Evidence, Mode, StoreQuery
from agent_memory_server.domain.ranking import ARM_DEPTH, K1, Arm, Placed, by_bm25, by_distance
from agent_memory_server.domain.relevance import WORDS, share
from agent_memory_server.domain.selection import DenseArm, Selection


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


def keyword_page(selection: Selection, query: StoreQuery) -> RankingPage:
    """By words alone: the best WORD_DEPTH in the order that neighbours' words give, the others by BM25."""
    start, end = query.offset, query.offset + query.limit
    found = selection.keyword(query.terms, max(end, WORD_DEPTH))
    rids = found.arm.keys[:WORD_DEPTH]
    if not len(rids):
        return RankingPage([], found.total)
    material = candidates(selection, rids, found, 0, np.full(len(rids), np.nan), None)
    part = by_words(material, query)
    if query.min_relevance is not None:
        return RankingPage(part.placed, part.places)
    placed = part.placed
    if min(end, len(found.arm.keys)) > WORD_DEPTH:
        last = by_words(material, replace(query, offset=len(rids) - 1, limit=1)).placed[0].score
        behind = _cut(found.arm, max(start, WORD_DEPTH), end)
        # Scores go on falling behind the refined part.
        best = float(found.arm.scores[WORD_DEPTH - 1]) / max(last, 1e-12)
        placed += _by_bm25(behind, found, best=best, before=max(start, WORD_DEPTH))
    return RankingPage(placed, found.total)


def semantic_page(selection: Selection, query: StoreQuery, vector: Vector) -> RankingPage:
    """By distance alone; records without a vector that hold the words follow behind."""
    start, end = query.offset, query.offset + query.limit
    owed = selection.owed()
    dense = selection.dense(vector)
    within = bound_of(query)
    if within is None:
        best, total = dense.best(end, end), selection.records - len(owed)
    else:
        near = dense.within(within)
        best, total = near.best(end), len(near.rids)
    placed = _by_distance(Distances(best.rids[start:end], best.values[start:end]), query, before=start)
    if not len(owed):
        return RankingPage(placed, total)
    floor = query.min_relevance
    found = selection.keyword(query.terms, max(end - total, 0) if floor is None else len(owed), among=owed)
    arm, places = found.arm, found.total
    if floor is not None:
        places = int(np.count_nonzero(WORDS.of(arm.scores, share(arm.scores, found.asked, K1)) >= floor))
    if len(arm.keys):
        first, last = max(start - total, 0), min(max(end - total, 0), places)
        placed += _by_bm25(_cut(arm, first, last), found, best=float(arm.scores[0]), before=first)
    return RankingPage(placed, total + places, unembedded=len(owed))


def bound_of(query: StoreQuery) -> float | None:
    """The distance within which results lie: what was asked for, and what is relevant enough, which in a ranking by
    distance alone is a distance too."""
    meaning = query.estimates.meaning
    if query.min_relevance is None or meaning is None:
        return query.within
    relevant = 1.0 - meaning.similarity_for(query.min_relevance)
    return relevant if query.within is None else min(query.within, relevant)


def hybrid_page(selection: Selection, query: StoreQuery, vector: Vector) -> RankingPage:
    """Both arms: their best ARM_DEPTH, the turns beside them and those of the time asked about fused, then what is left
    by distance, then by words.

    Required terms narrow the whole ranking.
    """
    end = query.offset + query.limit
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
    fused, distances = _candidates(selection, query, head, words.arm.keys, dense, among)
    material = candidates(selection, fused, words, len(head.rids), distances, vector)
    part = fuse(material, query)
    if query.min_relevance is not None:
        return RankingPage(part.placed, part.places, unembedded=len(owed))
    placed = part.placed
    if end > part.places and embedded > np.count_nonzero(~np.isnan(distances)):
        farther = dense.best(end + part.stood_for, end + part.stood_for)
        placed += _behind(_arm(farther), fused, part.places, query, _by_distance_only)
    if not len(owed):
        return RankingPage(placed, embedded - part.stood_for)
    unseen = selection.keyword(query.terms, end + part.stood_for, among=owed)
    before = embedded - part.stood_for + int(np.count_nonzero(members(fused, owed)))
    placed += _behind(unseen.arm, fused, before, query, partial(_by_words_only, unseen))
    return RankingPage(placed, embedded - part.stood_for + unseen.total, unembedded=len(owed))


def _candidates(
    selection: Selection, query: StoreQuery, head: Distances, worded: Rids, dense: DenseArm, among: Rids | None
) -> tuple[Rids, NDArray[np.float64]]:
    """What is fused, and the distance of each, NaN without a vector: the dense arm; what only the words found; the
    turns beside what the words found, and the nearest records of the time that the query names, where they have a
    vector (a turn without one comes in by words of its own only)."""
    beyond = worded[~members(worded, np.sort(head.rids))]
    known = np.concatenate([head.rids, beyond])
    beside = selection.beside(np.sort(worded), among) if len(worded) else worded
    joining = beside[~members(beside, np.sort(known))]
    found = dense.of(np.concatenate([beyond, joining]))
    distances = found.aligned(np.concatenate([beyond, joining]))
    near = distances[len(beyond) :]
    joining, near = joining[~np.isnan(near)], near[~np.isnan(near)]
    fused = np.concatenate([known, joining])
    distances = np.concatenate([head.values, distances[: len(beyond)], near])
    if not query.periods:
        return fused, distances
    more = selection.dated(query.periods, among)
    dated = dense.of(more[~members(more, np.sort(fused))]).best(DATED_DEPTH)
    return np.concatenate([fused, dated.rids]), np.concatenate([distances, dated.values])


def _by_distance(near: Distances, query: StoreQuery, *, before: int) -> list[Placed]:
    meaning, estimates = query.estimates.meaning, None
    if meaning is not None:
        similarity = 1.0 - near.values.astype(np.float64)
        estimates = meaning.of(similarity, similarity).tolist()
    return by_distance(_arm(near), before=before, relevance=estimates, explain=query.explain)


def _by_bm25(arm: Arm, found: Found, *, best: float, before: int) -> list[Placed]:
    estimates = WORDS.of(arm.scores, share(arm.scores, found.asked, K1)).tolist()
    placed = by_bm25(arm, best=best, before=before)
    return [replace(one, relevance=estimate) for one, estimate in zip(placed, estimates, strict=True)]


def _behind(
    arm: Arm, fused: Rids, before: int, query: StoreQuery, place: Callable[[StoreQuery, int, float], Placed]
) -> list[Placed]:
    """Those of an arm that the fusion did not rank and that fall on the page. before: places ahead of them."""
    left = ~members(arm.keys, np.sort(fused))
    start, end = max(query.offset - before, 0), max(query.offset + query.limit - before, 0)
    keys, scores = arm.keys[left][start:end].tolist(), arm.scores[left][start:end].tolist()
    return [place(query, key, score) for key, score in zip(keys, scores, strict=True)]


def _by_distance_only(query: StoreQuery, key: int, distance: float) -> Placed:
    both = query.estimates.both
    relevance = None if both is None else float(both.of(np.array(1.0 - distance), np.array(0.0)))
    return Placed(key, 1.0, 0.0, Mode.HYBRID, Evidence(distance=distance), relevance)


def _by_words_only(found: Found, _query: StoreQuery, key: int, bm25: float) -> Placed:
    score = np.array([bm25])
    relevance = float(WORDS.of(score, share(score, found.asked, K1))[0])
    return Placed(key, 1.0, 0.0, Mode.HYBRID, Evidence(bm25=bm25), relevance)


def page_of(selection: Selection, query: StoreQuery) -> RankingPage:
    """The page that a query asks for, in its mode."""
    if query.mode is Mode.KEYWORD or query.vector is None:
        return keyword_page(selection, query)
    vector = np.ascontiguousarray(query.vector, np.float32)
    page = semantic_page if query.mode is Mode.SEMANTIC else hybrid_page
    return page(selection, query, vector)
