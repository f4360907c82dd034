"""The sweep moves what it says, puts everything back, and prefers only what is more than chance."""

from __future__ import annotations

import numpy as np
import pytest

from agent_memory_server.domain import fusion, turns, word_rows
from agent_memory_server.evaluation.figures import DEPTHS
from benchmarks.ranking_sweep import PARAMETERS, difference, moved


def rows(*any_at_5: bool) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    found = np.zeros((len(any_at_5), 2 * len(DEPTHS) + 1))
    found[:, DEPTHS.index(5)] = any_at_5
    return found


def test_the_present_value_of_each_parameter_is_among_those_tried() -> None:
    for parameter in PARAMETERS:
        assert parameter.present in parameter.values, parameter.name


def constants() -> list[object]:
    names = ("NEXT_WORDS", "NEAREST_WORDS"), ("NEAREST_WORDS",), ("SATURATION",)
    modules = (turns, word_rows, fusion)
    return [getattr(module, name) for module, held in zip(modules, names, strict=True) for name in held]


def test_constants_are_moved_where_they_are_read_and_put_back() -> None:
    before = constants()
    with moved({"NEXT_WORDS": 9.0, "NEAREST_WORDS": 3, "SATURATION": 0.5, "alpha": 0.1}):
        assert constants() == [9.0, 3, 3, 0.5]
        assert isinstance(constants()[1], int)
    assert constants() == before


def test_each_file_counts_the_same_whatever_its_size() -> None:
    large, small = [True] * 90, [True, False]
    mean, _, _ = difference([rows(*large), rows(*small)], [rows(*large), rows(False, False)])
    assert mean == pytest.approx(0.5 * 0.5 * 0.5)  # half of the small file, half the weight, half of the aim


def test_a_gain_on_few_questions_is_chance_and_one_on_many_is_not() -> None:
    def gain(questions: int, better: int) -> float:
        now, before = [True] * questions, [number >= better for number in range(questions)]
        return difference([rows(*now)], [rows(*before)])[1]

    assert gain(40, 2) == 0.0
    assert gain(40, 15) > 0.0
