"""Retrieval figures and conversation files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.evaluation.conversations import load, time_of
from agent_memory_server.evaluation.figures import Answered, figures, percentiles_ms


def answered(found: list[str], evidence: set[str]) -> Answered:
    return Answered("fact", tuple(found), frozenset(evidence), 0.001)


def test_figures_count_evidence_within_each_depth() -> None:
    answers = [
        answered(["a", "x"], {"a", "b"}),
        answered(["1", "2", "3", "4", "5", "c"], {"c"}),
        answered(["1"], {"d"}),
        answered(["1"], set()),
    ]
    result = figures(answers)
    assert result.questions == 3
    assert result.any_at == {5: pytest.approx(1 / 3), 10: pytest.approx(2 / 3)}
    assert result.recall_at == {5: pytest.approx(0.5 / 3), 10: pytest.approx(1.5 / 3)}
    assert result.mrr == pytest.approx((1 + 1 / 6) / 3)


def test_percentiles_are_in_milliseconds() -> None:
    answers = [Answered("c", (), frozenset(), n / 1000) for n in range(1, 102)]
    assert percentiles_ms(answers) == pytest.approx({"p50": 51.0, "p95": 96.0, "p99": 100.0})
    assert percentiles_ms([]) == {"p50": 0.0, "p95": 0.0, "p99": 0.0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1:56 pm on 8 May, 2023", 1683554160.0), ("March-15-2024", 1710460800.0), ("2024-03-15", 1710460800.0)],
)
def test_times_are_read_as_files_write_them(text: str, expected: float) -> None:
    assert time_of(text) == expected


def test_a_conversation_file_is_read(tmp_path: Path) -> None:
    turn = {"id": 1, "speaker": "Ann", "text": "Look!", "caption": "a cat"}
    content = {
        "conversations": [{"id": "c", "sessions": [{"id": "s", "ts": "March-15-2024", "turns": [turn]}]}],
        "queries": [{"conv": "c", "question": "Who?", "evidence": [1]}],
    }
    path = tmp_path / "talk.json"
    path.write_text(json.dumps(content))
    corpus = load(path)
    assert corpus.name == "talk"
    assert corpus.conversations[0].sessions[0].turns[0].text == "Look! [image: a cat]"
    assert corpus.queries[0].evidence == {"1"}


@pytest.mark.parametrize("content", ["{}", "[]", "not json", '{"conversations": [{"id": "c"}], "queries": []}'])
def test_another_file_is_refused_with_a_reason(tmp_path: Path, content: str) -> None:
    path = tmp_path / "talk.json"
    path.write_text(content)
    with pytest.raises(InvalidRequest, match=r"talk\.json is not a conversation file"):
        load(path)
