"""How the estimates of relevance are fitted and judged."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.relevance import FOREIGN, OWN, Asked, fitted, logistic, separation


def test_a_fit_finds_the_weights_that_made_the_answers() -> None:
    random = np.random.default_rng(1)
    rows = random.normal(size=(20_000, 2))
    wanted = np.array([1.5, -0.8, 0.4])
    answers = (random.random(len(rows)) < 1 / (1 + np.exp(-(rows @ wanted[:2] + wanted[2])))).astype(float)
    assert logistic(rows, answers, np.ones(len(rows))) == pytest.approx(wanted, abs=0.1)


def test_separation_is_the_share_of_pairs_in_the_right_order() -> None:
    assert separation(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 1.0
    assert separation(np.array([0.5]), np.array([0.5])) == 0.5
    assert separation(np.array([0.9, 0.1]), np.array([0.5])) == 0.5


def test_a_fit_learns_from_the_right_results_of_answerable_questions_and_the_best_of_the_others() -> None:
    random = np.random.default_rng(2)

    def asked(kind: str, level: float) -> Asked:
        rows = random.normal(level, 0.1, size=(10, 1))
        rows[0] += 0.5 * (kind == OWN)
        return Asked("c", kind, rows, np.arange(10) == (0 if kind == OWN else -1), 0.0)

    fit = fitted([asked(kind, 0.2) for kind in (OWN, FOREIGN) for _ in range(50)])
    estimate = 1 / (1 + np.exp(-(fit[0] * np.array([0.7, 0.35]) + fit[1])))
    assert estimate[0] > 0.9
    assert estimate[1] < 0.5
