"""Estimates of whether a result answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.relevance import FITTED, WORDS, Logistic, estimates_of, share

ones = st.floats(0, 1)


@given(similarity=ones, words=ones, more=st.floats(0.001, 0.5))
def test_more_meaning_or_more_words_never_lower_an_estimate(similarity: float, words: float, more: float) -> None:
    for estimates in FITTED.values():
        assert estimates.both is not None
        one, nearer, fuller = estimates.both.of(
            np.array([similarity, similarity + more, similarity]), np.array([words, words, words + more])
        )
        assert 0 < one < nearer < 1
        assert one < fuller


@given(relevance=st.floats(0.001, 0.999))
def test_a_floor_is_a_similarity_where_meaning_decides_alone(relevance: float) -> None:
    estimate = Logistic(meaning=10.9, bias=-5.7)
    similarity = np.array([estimate.similarity_for(relevance)])
    assert estimate.of(similarity, similarity) == pytest.approx([relevance])


def test_the_ends_of_the_scale_are_reached_by_all_and_by_none() -> None:
    estimate = Logistic(meaning=10.9, bias=-5.7)
    assert estimate.similarity_for(0.0) < -1
    assert estimate.similarity_for(1.0) > 1


def test_the_share_of_words_is_that_of_all_that_was_asked() -> None:
    assert share(np.array([0.0, 3.0, 6.0, 7.0]), 5.0, 0.2).tolist() == [0.0, 0.5, 1.0, 1.0]
    assert share(np.array([0.0]), 0.0, 0.2).tolist() == [0.0]


def test_only_known_models_have_estimates_by_meaning_and_words_need_none() -> None:
    assert estimates_of("all-MiniLM-L6-v2").both is not None
    unknown = estimates_of("another")
    assert (unknown.both, unknown.meaning) == (None, None)
    none, all_of_it = WORDS.of(np.zeros(2), np.array([0.0, 1.0]))
    assert none < 0.1
    assert all_of_it > 0.9
