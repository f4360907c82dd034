"""Conversation files: our own format, and those of public collections, recognised by their shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.evaluation.conversations import Corpus, Query, time_of
from agent_memory_server.evaluation.files import load
from agent_memory_server.evaluation.selection import chosen


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def turns_of(corpus: Corpus, conversation: int = 0) -> list[tuple[str, str, str]]:
    found = corpus.conversations[conversation].sessions
    return [(turn.id, turn.speaker, turn.text) for session in found for turn in session.turns]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1:56 pm on 8 May, 2023", 1683554160.0),
        ("March-15-2024", 1710460800.0),
        ("2024-03-15", 1710460800.0),
        ("15.03.2024, 00:00:01", 1710460801.0),
        ("2024/03/15 00:01", 1710460860.0),
    ],
)
def test_times_are_read_as_files_write_them(text: str, expected: float) -> None:
    assert time_of(text) == expected


TURN = {"id": 1, "speaker": "Ann", "text": "Look!", "caption": "a cat"}
OWN: dict[str, Any] = {
    "conversations": [{"id": "c", "sessions": [{"id": "s", "ts": "March-15-2024", "turns": [TURN]}]}],
    "queries": [{"conv": "c", "question": "Who?", "evidence": [1]}],
}


def test_our_own_format_is_read(tmp_path: Path) -> None:
    corpus = load(written(tmp_path / "talk.json", OWN))
    assert corpus.name == "talk"
    assert turns_of(corpus) == [("1", "Ann", "Look! [image: a cat]")]
    assert corpus.queries == (Query("0", "c", "Who?", "all", frozenset({"1"}), frozenset({"s"})),)


@pytest.mark.parametrize("content", ["{}", "[]", "not json", '{"conversations": [{"id": "c"}], "queries": []}'])
def test_another_file_is_refused_with_a_reason(tmp_path: Path, content: str) -> None:
    path = tmp_path / "talk.json"
    path.write_text(content)
    with pytest.raises(InvalidRequest, match=r"talk\.json is not a conversation file"):
        load(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"absent\.json cannot be read: No such file"):
        load(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"queries": [{"conv": "d", "question": "Who?"}]}, "there is no conversation 'd'"),
        ({"queries": [{"conv": "c", "question": "Who?", "evidence": ["7"]}]}, "evidence '7' is no turn of c"),
        ({"queries": [{"conv": "c", "question": "?", "evidence_sessions": ["t"]}]}, "'t' is no session of c"),
        ({"conversations": OWN["conversations"] * 2}, "conversation 'c' occurs more than once"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        load(written(tmp_path / "talk.json", OWN | changed))


LOCOMO = [
    {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ida",
            "speaker_b": "Leo",
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ida", "dia_id": "D1:1", "text": "I planted a pear tree."},
                {"speaker": "Leo", "dia_id": "D1:2", "text": "Nice!", "blip_caption": "a small tree", "img_url": ["u"]},
            ],
            "session_2_date_time": "9:00 am on 1 June, 2023",
            "session_2": [{"speaker": "Leo", "dia_id": "D2:1", "text": "I sold my boat."}],
            "session_3_date_time": "9:00 am on 2 June, 2023",
        },
        "qa": [
            {"question": "What did Ida plant?", "answer": "a pear tree", "evidence": ["D1:1"], "category": 4},
            {"question": "Both?", "answer": "x", "evidence": ["D1:1; D2:01", "D:1:2", "D9:9", "D"], "category": 1},
            {"question": "When?", "adversarial_answer": "never", "evidence": [], "category": 5},
        ],
    }
]


def test_locomo_is_read_with_its_ways_of_writing_evidence(tmp_path: Path) -> None:
    corpus = load(written(tmp_path / "locomo.json", LOCOMO))
    assert turns_of(corpus) == [
        ("D1:1", "Ida", "I planted a pear tree."),
        ("D1:2", "Leo", "Nice! [image: a small tree]"),
        ("D2:1", "Leo", "I sold my boat."),
    ]
    first, second = corpus.conversations[0].sessions
    assert (first.id, first.turns[0].time, first.turns[1].time) == ("S1", 1683554160.0, 1683554190.0)
    assert second.turns[0].time == 1685610000.0
    assert [query.category for query in corpus.queries] == ["single-hop", "multi-hop", "adversarial"]
    assert [query.evidence for query in corpus.queries] == [{"D1:1"}, {"D1:1", "D2:1", "D1:2"}, frozenset()]
    assert [query.sessions for query in corpus.queries] == [{"S1"}, {"S1", "S2"}, frozenset()]


LONGMEMEVAL = [
    {
        "question_id": "7a",
        "question_type": "single-session-user",
        "question": "Where is my bike?",
        "answer": "In the shed",
        "question_date": "2023/06/01 (Thu) 10:00",
        "haystack_session_ids": ["plain_1", "answer_1"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/21 (Sun) 08:00"],
        "haystack_sessions": [
            [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello!"}],
            [
                {"role": "user", "content": "My bike is in the shed.", "has_answer": True},
                {"role": "assistant", "content": "Noted.", "has_answer": False},
            ],
        ],
        "answer_session_ids": ["answer_1"],
    },
    {
        "question_id": "7a_abs",
        "question_type": "single-session-user",
        "question": "Where is my car?",
        "answer": "You never said.",
        "question_date": "2023/06/01 (Thu) 10:00",
        "haystack_session_ids": ["plain_1"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21"],
        "haystack_sessions": [[{"role": "user", "content": "Hello"}]],
        "answer_session_ids": ["plain_1"],
    },
]


def test_longmemeval_is_read_as_one_conversation_for_each_question(tmp_path: Path) -> None:
    corpus = load(written(tmp_path / "longmemeval.json", LONGMEMEVAL))
    assert turns_of(corpus)[2] == ("answer_1:0", "user", "My bike is in the shed.")
    assert corpus.conversations[0].sessions[0].turns[1].time == 1684549260.0 + 30
    evidence, sessions, asked_at = frozenset({"answer_1:0"}), frozenset({"answer_1"}), 1685613600.0
    assert corpus.queries == (
        Query("7a", "7a", "Where is my bike?", "single-session-user", evidence, sessions, asked_at),
        Query("7a_abs", "7a_abs", "Where is my car?", "abstention", frozenset(), frozenset(), asked_at),
    )


def message(id_: int, role: str, content: str, **more: str) -> dict[str, Any]:
    return {"id": id_, "role": role, "content": content, **more}


BEAM_CHAT = [
    {
        "batch_number": 1,
        "turns": [
            [
                message(0, "user", "I build a canoe. ->-> 1,1", time_anchor="March-15-2024"),
                message(1, "assistant", "Ok"),
            ],
            [message(2, "user", "It is red. ->-> 1,2"), message(3, "assistant", "Fine")],
        ],
    },
    {"batch_number": 2, "turns": [[message(4, "user", "It is blue now.", time_anchor="April-01-2024")]]},
]
BEAM_QUESTIONS = {
    "abstention": [{"question": "Who sold it?", "rubric": []}],
    "knowledge_update": [
        {"question": "Which colour?", "source_chat_ids": {"original_info": [2], "updated_info": [[4]]}},
    ],
    "event_ordering": [{"question": "In which order?", "source_chat_ids": [0, 2, 2, 77]}],
}


def is_the_canoe(corpus: Corpus, name: str) -> None:
    assert [conversation.id for conversation in corpus.conversations] == [name]
    assert turns_of(corpus)[0] == ("0", "user", "I build a canoe.")
    assert [session.turns[0].time for session in corpus.conversations[0].sessions] == [1710460800.0, 1711929600.0]
    found = {query.id.removeprefix(f"{name}_"): (query.evidence, query.sessions) for query in corpus.queries}
    assert found == {
        "abstention_0": (frozenset(), frozenset()),
        "knowledge_update_0": ({"2", "4"}, {"S1", "S2"}),
        "event_ordering_0": ({"0", "2"}, {"S1"}),
    }


@pytest.mark.parametrize("given", ["100K", "100K/1", "100K/1/chat.json"])
def test_beam_is_read_from_its_folders(tmp_path: Path, given: str) -> None:
    written(tmp_path / "100K/1/chat.json", BEAM_CHAT)
    written(tmp_path / "100K/1/probing_questions/probing_questions.json", BEAM_QUESTIONS)
    is_the_canoe(load(tmp_path / given), "100K-1")


def test_beam_is_read_from_rows_of_its_table(tmp_path: Path) -> None:
    row = {
        "conversation_id": "1",
        "chat": [batch["turns"] for batch in BEAM_CHAT],
        "probing_questions": str(BEAM_QUESTIONS),
    }
    is_the_canoe(load(written(tmp_path / "beam.json", [row])), "1")


def test_beam_with_messages_that_are_numbered_anew_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "10M/1/chat.json", BEAM_CHAT + BEAM_CHAT[:1])
    written(tmp_path / "10M/1/probing_questions.json", BEAM_QUESTIONS)
    with pytest.raises(InvalidRequest, match="10M-1: turn '0' occurs more than once"):
        load(tmp_path / "10M")


REALTALK = {
    "name": {"speaker_1": "Mo", "speaker_2": "Pia"},
    "session_1_date_time": "29.12.2023, 00:51:12",
    "session_1": [
        {"clean_text": "Morning!", "speaker": "Mo", "date_time": "29.12.2023, 00:51:12", "dia_id": "D1:1"},
        {
            "clean_text": "",
            "speaker": "Pia",
            "date_time": "29.12.2023, 07:00:00",
            "dia_id": "D1:2",
            "blip_caption": "a lake",
        },
    ],
    "qa": [{"question": "When?", "answer": "29 Dec", "evidence": ["D1:2"], "category": 2}],
}


@pytest.mark.parametrize("given", ["Chat_1_Mo_Pia.json", "."])
def test_realtalk_is_read_from_a_file_or_a_folder(tmp_path: Path, given: str) -> None:
    written(tmp_path / "Chat_1_Mo_Pia.json", REALTALK)
    corpus = load(tmp_path / given)
    assert [conversation.id for conversation in corpus.conversations] == ["Chat_1_Mo_Pia"]
    assert turns_of(corpus) == [("D1:1", "Mo", "Morning!"), ("D1:2", "Pia", "[image: a lake]")]
    assert [turn.time for turn in corpus.conversations[0].sessions[0].turns] == [1703811072.0, 1703833200.0]
    assert [(query.category, query.evidence) for query in corpus.queries] == [("temporal", frozenset({"D1:2"}))]


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="the folder holds neither BEAM"):
        load(tmp_path)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    talks = [
        {"id": f"c{n}", "sessions": [{"id": "s", "turns": [{"id": "t", "speaker": "A", "text": "x"}]}]}
        for n in range(4)
    ]
    queries = [{"conv": f"c{n % 4}", "question": f"{n}?", "evidence": ["t"]} for n in range(40)]
    return load(written(tmp_path / "four.json", {"conversations": talks, "queries": queries}))


@pytest.mark.parametrize(
    ("names", "kept"), [(["c2"], ["c2"]), (["1-2", "4"], ["c0", "c1", "c3"]), ([], ["c0", "c1", "c2", "c3"])]
)
def test_conversations_are_chosen_by_id_or_place(corpus: Corpus, names: list[str], kept: list[str]) -> None:
    part = chosen(corpus, names)
    assert [conversation.id for conversation in part.conversations] == kept
    assert {query.conversation for query in part.queries} == set(kept)


@pytest.mark.parametrize("name", ["c9", "0", "3-5", "2-1"])
def test_a_conversation_that_is_not_there_is_refused(corpus: Corpus, name: str) -> None:
    with pytest.raises(InvalidRequest, match=f"'{name}' is no conversation of four and no place from 1 to 4"):
        chosen(corpus, [name])


def test_a_sample_is_drawn_by_its_seed_with_the_conversations_it_needs(corpus: Corpus) -> None:
    first = chosen(corpus, sample=2, seed=1)
    assert first == chosen(corpus, sample=2, seed=1)
    assert len(first.queries) == 2
    assert {conversation.id for conversation in first.conversations} == {query.conversation for query in first.queries}
    assert {chosen(corpus, sample=2, seed=seed).queries for seed in range(5)} != {first.queries}
    assert chosen(corpus, sample=100) == corpus
