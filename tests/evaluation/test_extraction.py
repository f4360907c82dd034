"""Figures of what would be remembered: what supports it, what tells a fact, how sure, and compared."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.adapters.providers.chat.answering import ServiceChatModel
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.evaluation.conversations import Conversation, Corpus, Fact, Query, TalkSession, Turn
from agent_memory_server.evaluation.extraction import ExtractionRun, SessionFigures, changes, run_of, shares
from agent_memory_server.evaluation.extraction_report import as_data, as_text, changes_text, earlier_runs
from agent_memory_server.evaluation.files import load
from agent_memory_server.evaluation.judging import by_model
from agent_memory_server.evaluation.reading import Claim, Portion
from agent_memory_server.evaluation.selection import chosen
from agent_memory_server.evaluation.verdicts import Verdicts, by_words, is_supported, said_twice, tells
from tests.support.chat_service import ChatService, chat_service, model_of
from tests.support.pipeline import lines_of

SAID = "I moved to Lisbon with my 2 cats because the rents in Vienna are too high."
SAMPLE = Path(__file__).parents[2] / "benchmarks" / "talks.json"


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("User moved to Lisbon with 2 cats.", True),
        ("User: I moved to Lisbon", True),
        ("User moved to Lisbon with 3 cats.", False),
        ("User moved to Porto with cats.", False),
        ("User is unhappy about expensive accommodation.", False),
    ],
)
def test_a_claim_is_supported_by_names_numbers_and_half_of_its_words(claim: str, expected: bool) -> None:
    assert is_supported(claim, SAID, f"Ana: {SAID}") is expected


@pytest.mark.parametrize(
    ("claim", "fact", "expected"),
    [
        ("User: I live in Cedofeita, near the market.", "User lives in Cedofeita.", True),
        ("User has two cats, Pixel and Byte.", "User's cats are called Pixel and Byte.", True),
        ("User has cats.", "User's cats are called Pixel and Byte.", False),
        ("User runs 8 km.", "User runs 10 km.", False),
        ("User is allergic to penicillin.", "User is not allergic to penicillin.", False),
        ("User has a sister.", "User's sister works as a nurse in the hospital.", False),
    ],
)
def test_a_claim_tells_a_fact_with_its_names_numbers_and_most_words(claim: str, fact: str, expected: bool) -> None:
    assert tells(claim, fact) is expected


def test_what_is_said_twice_is_found_in_other_order_and_grammar() -> None:
    texts = ["User likes green tea.", "In Rome the user likes tea.", "The user enjoys green tea", "User has a cat."]
    assert said_twice(texts) == [False, False, True, False]


def portion(session: str, *claims: str, reasons: tuple[str, ...] = (), turn: str = "1") -> Portion:
    found = tuple(Claim(text, (turn,), weak=False, read_by="rules") for text in claims)
    return Portion("c", session, (Turn(turn, "user", "I like tea. I have 2 cats.", 0.0),), found, reasons)


SESSIONS = tuple(TalkSession(f"s{n}", (Turn(f"{n}", "user", "x", 0.0),)) for n in (1, 2, 3))
CORPUS = Corpus("talk", (Conversation("c", SESSIONS),), ())
DISCRETE = {"strategy": "discrete"}


def a_run(corpus: Corpus, *portions: Portion, strategy: dict[str, Any] | None = None) -> ExtractionRun:
    verdicts = [by_words(each, corpus.facts) for each in portions]
    return run_of(corpus, "discrete", strategy or DISCRETE, portions, verdicts, judged_by="words")


def test_counts_are_kept_by_session_and_a_thing_said_twice_counts_in_the_later_one() -> None:
    facts = (Fact("f1", "c", "User likes tea.", ("1",)), Fact("f2", "c", "User has 3 dogs.", ("2", "3")))
    corpus = replace(CORPUS, facts=facts)
    found = a_run(
        corpus,
        portion("s1", "User likes tea.", "User lives in Rome.", reasons=("no quotation",)),
        portion("s2", "The user likes tea", turn="2"),
    )
    assert found.sessions == (
        SessionFigures("c", "s1", claims=2, supported=1, duplicates=0, refused=1, found=3, expected=1, missed=0),
        SessionFigures("c", "s2", claims=1, supported=1, duplicates=1, refused=0, found=1, expected=1, missed=1),
        SessionFigures("c", "s3", claims=0, supported=0, duplicates=0, refused=0, found=0, expected=0, missed=0),
    )
    assert (found.expected, found.reasons, found.turns) == ("facts", {"no quotation": 1}, 3)


def test_without_facts_turns_that_answer_a_question_are_expected_but_not_of_summaries() -> None:
    query = Query("q", "c", "Who?", "all", frozenset({"1", "2"}), frozenset())
    corpus = replace(CORPUS, queries=(query,))
    discrete = a_run(corpus, portion("s1", "User likes tea."))
    assert (discrete.expected, discrete.count("expected"), discrete.count("missed")) == ("turns", 2, 1)
    summary = a_run(corpus, portion("s1", "User likes tea."), strategy={"strategy": "summary"})
    assert (summary.expected, summary.count("expected")) == (None, 0)
    assert "not told: the file has no facts" in as_text("talk", [summary], seed=0)


def figures(n: int, claims: int, supported: int) -> SessionFigures:
    return SessionFigures("c", f"s{n}", claims, supported, 0, 0, claims, 0, 0)


def test_shares_have_intervals_that_hold_them_and_need_two_sessions() -> None:
    one = shares([figures(1, 4, 3), figures(2, 0, 0)])["supported"]
    assert (one.value, one.interval) == (0.75, None)
    many = shares([figures(n, 10, 10 if n % 2 else 5) for n in range(40)])["supported"]
    assert many.value == 0.75
    assert many.interval is not None
    low, high = many.interval
    assert 0.6 < low < 0.75 < high < 0.9
    assert "missed" not in shares([figures(1, 4, 3)])


def test_two_runs_are_compared_over_the_sessions_that_both_have() -> None:
    before = [figures(n, 10, 5) for n in range(20)]
    now = [figures(n, 10, 8) for n in range(5, 25)]
    change = changes(now, before)["supported"]
    assert round(change.value, 6) == 0.3
    assert change.interval is not None
    assert [round(end, 6) for end in change.interval] == [0.3, 0.3]
    assert changes(now, [replace(each, session="other") for each in before]) == {}


def test_a_result_is_read_again_and_another_file_is_refused(tmp_path: Path) -> None:
    run = a_run(CORPUS, portion("s1", "User likes tea."), portion("s2", "User likes tea.", turn="2"))
    path = tmp_path / "result.json"
    path.write_text(json.dumps(as_data("talk", [run], seed=0)))
    earlier = earlier_runs(path)
    assert earlier == {"discrete": list(run.sessions)}
    assert "discrete: supported +0.000" in changes_text([run], earlier, seed=0)
    (data,) = as_data("talk", [run], seed=0, earlier=earlier)["runs"]
    assert data["against"]["supported"]["value"] == 0.0
    path.write_text('{"runs": [{"title": "discrete"}]}')
    with pytest.raises(InvalidRequest, match="no result of this command"):
        earlier_runs(path)


@pytest.fixture
def service() -> Iterator[ChatService]:
    with chat_service() as running:
        yield running


@pytest.fixture
async def judge(service: ChatService) -> AsyncIterator[ServiceChatModel]:
    model = model_of(service)
    yield model
    await model.close()


async def test_a_judging_model_is_asked_about_claims_and_facts_and_again_about_what_it_left_out(
    service: ChatService, judge: ServiceChatModel
) -> None:
    def judging(asked: Any) -> Any:
        good = {"User likes tea.": "supported", "User owns cats.": "supported", "User has 2 cats.": "told"}
        bad = "unsupported" if "claim" in asked.system else "missing"
        lines = lines_of(asked)[:2]
        return {"verdicts": [{"number": one["number"], "verdict": good.get(one["text"], bad)} for one in lines]}

    service.answer(judging)
    found = portion("s1", "User likes tea.", "User hates tea.", "User owns cats.")
    facts = (Fact("f1", "c", "User has 2 cats.", ("1",)), Fact("f2", "c", "User has 3 dogs.", ("1",)))
    assert await by_model(judge, found, facts) == Verdicts((True, False, True), frozenset({"f1"}))
    assert len(service.asked) == 3
    assert "I have 2 cats." in service.asked[0].text


async def test_what_a_judging_model_never_says_is_no_support(service: ChatService, judge: ServiceChatModel) -> None:
    service.answer({"verdicts": []})
    found = portion("s1", "User likes tea.")
    assert await by_model(judge, found, ()) == Verdicts((False,), frozenset())


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ({"conv": "x", "text": "a", "evidence": ["1"]}, "fact 0: there is no conversation 'x'"),
        ({"conv": "c", "text": "a", "evidence": ["9"]}, "fact 0: evidence '9' is no turn of c"),
        ({"conv": "c", "text": " ", "evidence": ["1"]}, "fact 0: it needs a text"),
        ({"conv": "c", "text": "a", "evidence": []}, "fact 0: it needs a text, and evidence"),
        ({"conv": "c", "text": "a"}, "evidence"),
    ],
)
def test_a_fact_that_is_wrong_is_refused_and_named(tmp_path: Path, fact: dict[str, Any], told: str) -> None:
    turns = [{"id": "1", "speaker": "user", "text": "I like tea."}]
    path = tmp_path / "talk.json"
    path.write_text(
        json.dumps({"conversations": [{"id": "c", "sessions": [{"id": "s", "turns": turns}]}], "facts": [fact]})
    )
    with pytest.raises(InvalidRequest, match=told):
        load(path)


def test_the_sample_is_read_with_its_facts_and_a_part_keeps_its_own() -> None:
    corpus = load(SAMPLE)
    assert len(corpus.facts) == 33
    part = chosen(corpus, ["tom"])
    assert {fact.conversation for fact in part.facts} == {"tom"}
