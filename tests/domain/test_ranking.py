"""How candidates are ranked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.query import Mode
from agent_memory_server.domain.ranking import (
    K1,
    MAX_TERMS,
    WIDE_ROWS,
    Arm,
    B,
    bm25,
    by_distance,
    by_words,
    fuse,
    idf,
    keep_terms,
)


def arm(*entries: tuple[int, float]) -> Arm:
    keys = np.array([key for key, _ in entries], dtype=np.int64)
    return Arm(keys, np.array([score for _, score in entries], dtype=np.float64))


def test_bm25_is_the_textbook_formula() -> None:
    counts = np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    lengths = np.array([10.0, 5.0, 7.0])
    scores = bm25(counts, lengths, [2, 1], rows=3, mean_length=22 / 3)

    def term(count: float, length: float, frequency: int) -> float:
        norm = K1 * (1 - B + B * length / (22 / 3))
        return math.log(1 + (3 - frequency + 0.5) / (frequency + 0.5)) * count * (K1 + 1) / (count + norm)

    assert scores == pytest.approx([term(2, 10, 2), term(1, 5, 2) + term(1, 5, 1), 0.0])


def test_a_rarer_word_weighs_more_and_no_word_weighs_less_than_nothing() -> None:
    weights = [idf(1000, n) for n in (1, 10, 500, 1000)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] > 0


def test_small_scopes_are_searched_for_every_word_they_hold() -> None:
    assert keep_terms([500, 0, 1000], rows=1000) == [0, 2]


def test_wide_scopes_drop_common_words_while_a_rarer_one_remains() -> None:
    rows = WIDE_ROWS * 10
    assert keep_terms([rows // 2, 30, 0, rows // 30], rows) == [1, 3]


def test_wide_scopes_keep_the_rarest_of_common_words() -> None:
    rows = WIDE_ROWS * 10
    assert keep_terms([rows // 2, rows // 3, rows], rows) == [1]


def test_wide_scopes_look_up_a_bounded_number_of_words() -> None:
    rows = WIDE_ROWS * 10
    kept = keep_terms(list(range(100, 100 + 3 * MAX_TERMS)), rows)
    assert kept == list(range(MAX_TERMS))


def test_the_dense_ranking_gives_distances_and_similarities() -> None:
    placed = by_distance(arm((7, 0.25), (9, 1.5)))
    assert [(p.key, p.dist, p.score, p.mode) for p in placed] == [
        (7, 0.25, 0.75, Mode.SEMANTIC),
        (9, 1.5, 0.0, Mode.SEMANTIC),
    ]


def test_the_keyword_ranking_is_relative_to_its_best() -> None:
    placed = by_words(arm((7, 8.0), (9, 2.0)))
    assert [(p.key, p.dist, p.score) for p in placed] == [(7, 0.0, 1.0), (9, 0.75, 0.25)]
    assert by_words(arm((9, 2.0)), best=8.0)[0].score == 0.25
    assert by_words(arm()) == []


def test_fusion_unites_the_candidates_of_both_arms() -> None:
    placed = fuse(arm((1, 0.2), (2, 0.4)), arm((3, 5.0), (2, 4.0)), alpha=0.5, distances={3: 0.9})
    assert {p.key for p in placed} == {1, 2, 3}
    assert placed[0].key == 2  # near in both
    assert placed[0].score == 1.0
    assert placed[0].dist == 0.0


def test_a_word_match_beyond_the_nearest_vectors_can_win() -> None:
    dense = arm(*[(key, 0.5 + key / 1000) for key in range(10)])
    placed = fuse(dense, arm((99, 12.0)), alpha=0.3, distances={99: 0.95})
    assert placed[0].key == 99


def test_a_record_without_a_vector_is_ranked_by_its_words() -> None:
    dense = arm(*[(key, 0.1 + key / 100) for key in range(20)])
    placed = fuse(dense, arm((99, 12.0), (5, 3.0)), alpha=0.9, distances={})
    assert placed[0].key == 99


def test_alpha_one_is_the_dense_order_and_alpha_zero_the_keyword_order() -> None:
    dense, words_ = arm((1, 0.1), (2, 0.2), (3, 0.3)), arm((3, 9.0), (2, 5.0), (1, 1.0))
    distances: dict[int, float] = {}
    assert [p.key for p in fuse(dense, words_, alpha=1.0, distances=distances)] == [1, 2, 3]
    assert [p.key for p in fuse(dense, words_, alpha=0.0, distances=distances)] == [3, 2, 1]


def test_evidence_tells_which_arm_found_what() -> None:
    by_key = {p.key: p.evidence for p in fuse(arm((1, 0.2)), arm((3, 5.0)), alpha=0.5, distances={})}
    assert (by_key[1].dense_rank, by_key[1].keyword_rank, by_key[1].distance) == (1, None, 0.2)
    assert (by_key[3].dense_rank, by_key[3].keyword_rank, by_key[3].bm25) == (None, 1, 5.0)


@given(
    dense=st.lists(st.floats(0, 2), min_size=1, max_size=30).map(sorted),
    scores=st.lists(st.floats(0.01, 50), min_size=1, max_size=30).map(lambda s: sorted(s, reverse=True)),
    alpha=st.floats(0, 1),
)
def test_the_first_of_both_arms_is_first_after_fusion(dense: list[float], scores: list[float], alpha: float) -> None:
    first = arm(*[(key, d) for key, d in enumerate(dense)])
    second = arm(*[(key if key == 0 else 1000 + key, s) for key, s in enumerate(scores)])
    placed = fuse(first, second, alpha=alpha, distances={})
    assert placed[0].score == 1.0
    best = [p for p in placed if p.score > 1 - 1e-9]
    assert 0 in {p.key for p in best}
    assert all(0 <= p.score <= 1 + 1e-9 and math.isfinite(p.dist) for p in placed)
    assert len({p.key for p in placed}) == len(placed) == len(dense) + len(scores) - 1


def test_a_page_of_any_ranking_is_a_slice_of_the_whole() -> None:
    dense = Arm(np.array([4, 2, 9, 1]), np.array([0.1, 0.2, 0.5, 0.9]))
    words = Arm(np.array([9, 7, 4]), np.array([3.0, 2.0, 1.0]))
    whole = fuse(dense, words, alpha=0.6, distances={7: 0.7})
    assert fuse(dense, words, alpha=0.6, distances={7: 0.7}, page=slice(1, 3)) == whole[1:3]
    assert by_distance(Arm(dense.keys[2:], dense.scores[2:]), before=2) == by_distance(dense)[2:]
    assert by_words(Arm(words.keys[1:], words.scores[1:]), best=3.0, before=1) == by_words(words)[1:]
