"""How candidates are ranked."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent_memory_server.domain.query import Mode
from agent_memory_server.domain.ranking import (
    K1,
    MAX_TERMS,
    WIDE_ROWS,
    Arm,
    B,
    bm25,
    by_bm25,
    by_distance,
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
    placed = by_bm25(arm((7, 8.0), (9, 2.0)))
    assert [(p.key, p.dist, p.score) for p in placed] == [(7, 0.0, 1.0), (9, 0.75, 0.25)]
    assert by_bm25(arm((9, 2.0)), best=8.0)[0].score == 0.25
    assert by_bm25(arm()) == []


def test_a_page_of_an_arm_is_a_slice_of_the_whole() -> None:
    dense = Arm(np.array([4, 2, 9, 1]), np.array([0.1, 0.2, 0.5, 0.9]))
    words = Arm(np.array([9, 7, 4]), np.array([3.0, 2.0, 1.0]))
    assert by_distance(Arm(dense.keys[2:], dense.scores[2:]), before=2) == by_distance(dense)[2:]
    assert by_bm25(Arm(words.keys[1:], words.scores[1:]), best=3.0, before=1) == by_bm25(words)[1:]
