"""Retrieval figures: what they count, how sure they are, how two runs differ, how they are drawn."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.evaluation.chart import Bar, bar, svg
from agent_memory_server.evaluation.comparison import differences, differences_text, earlier_answers
from agent_memory_server.evaluation.figures import Answered, Ranks, figures, percentiles_ms, ranks

NOTHING = Ranks((), 0)


def answered(number: int, *found: int) -> Answered:
    return Answered(f"q{number}", "fact", Ranks(found, 1), NOTHING, 0.001)


def test_a_place_counts_distinct_ids() -> None:
    assert ranks(["s1", "s1", "s2", "s3", "s2"], frozenset({"s2", "s3", "s9"})) == Ranks((2, 3), 3)


def test_figures_count_evidence_within_each_depth() -> None:
    result = figures([Ranks((1,), 2), Ranks((6,), 1), Ranks((), 1), NOTHING])
    assert result.questions == 3
    third = pytest.approx(1 / 3)
    assert result.any_at == {1: third, 3: third, 5: third, 10: pytest.approx(2 / 3), 20: pytest.approx(2 / 3)}
    sixth = pytest.approx(0.5 / 3)
    assert result.recall_at == {1: sixth, 3: sixth, 5: sixth, 10: pytest.approx(0.5), 20: pytest.approx(0.5)}
    assert result.mrr == pytest.approx((1 + 1 / 6) / 3)


def test_no_question_with_evidence_has_no_interval() -> None:
    result = figures([NOTHING])
    assert (result.questions, result.mrr, result.interval) == (0, 0.0, None)


def test_intervals_hold_the_figure_narrow_with_the_questions_and_repeat_with_the_seed() -> None:
    few = [Ranks((1,), 1), Ranks((), 1)] * 5
    first, again = figures(few, seed=7), figures(few, seed=7)
    assert first == again
    many = figures(few * 40, seed=7)
    assert first.interval is not None
    assert many.interval is not None
    low, high = first.interval.any_at[5]
    assert low < 0.5 < high
    # Twenty times the root: ten questions of a fair coin spread by about 0.16, four hundred by 0.025.
    closer = many.interval.any_at[5]
    assert 0.08 < closer[1] - closer[0] < 0.12
    assert high - low > 0.4


def test_percentiles_are_in_milliseconds() -> None:
    assert percentiles_ms([n / 1000 for n in range(1, 102)]) == pytest.approx({"p50": 51.0, "p95": 96.0, "p99": 100.0})
    assert percentiles_ms([]) == {"p50": 0.0, "p95": 0.0, "p99": 0.0}


def test_two_runs_are_compared_question_by_question() -> None:
    now = [answered(n, 1) for n in range(40)] + [answered(99, 1)]
    before = {f"q{n}": Ranks((1,) if n % 2 else (8,), 1) for n in range(40)}
    found = differences(now, before)
    assert found["any@5"].mean == pytest.approx(0.5)
    assert found["any@10"].mean == 0.0
    low, high = found["any@5"].interval
    assert 0.3 < low < 0.5 < high < 0.7
    text = differences_text("hybrid", found)
    assert "any@5 +0.500* (" in text
    assert "any@10 +0.000 (" in text


def test_runs_without_a_common_question_say_so() -> None:
    assert differences([answered(1, 1)], {"other": Ranks((1,), 1)}) == {}
    assert differences_text("keyword", {}) == "keyword: fewer than two questions in common"


def test_an_earlier_result_is_read_and_another_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    question = {"id": "q1", "turns": {"found": [2, 4], "evidence": 3}}
    path.write_text(json.dumps({"modes": {"hybrid": {"questions": [question]}}}))
    assert earlier_answers(path) == {"hybrid": {"q1": Ranks((2, 4), 3)}}
    path.write_text("[]")
    with pytest.raises(InvalidRequest, match=r"result\.json is no result"):
        earlier_answers(path)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        earlier_answers(tmp_path / "absent.json")


def test_a_bar_is_as_long_as_its_share() -> None:
    assert bar(0.0) == " " * 30
    assert bar(0.5).rstrip() == "█" * 15
    assert bar(1.0) == "█" * 30
    assert bar(1 / 60).rstrip() == "▌"


def test_the_chart_is_an_svg_with_a_bar_for_each_category_and_mode() -> None:
    series = {"keyword": [Bar(0.5, (0.4, 0.6)), Bar(0.1, None)], "hybrid": [Bar(1.0, None), Bar(0.0, None)]}
    root = ET.fromstring(svg("a < b", ["who & what", "all"], series))
    names = {"s": "http://www.w3.org/2000/svg"}
    bars = root.findall(".//s:rect[@class='bar']", names)
    assert [round(float(each.attrib["height"])) for each in bars] == [130, 260, 26, 0]
    assert "who & what" in [each.text for each in root.findall(".//s:text", names)]
