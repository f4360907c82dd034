"""What is read out of a message by rule: few sentences, and the right ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.cues import CueKind, Dropped, cues_in
from agent_memory_server.domain.labels import entities_in, topics_in
from agent_memory_server.domain.support import Aim

SAID_AT = 1_689_175_800.0  # 2023-07-12


def kept(text: str) -> list[tuple[CueKind, str]]:
    return [(cue.kind, cue.sentence) for cue in cues_in(text, said_at=SAID_AT) if cue.dropped is None]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I prefer window seats.", CueKind.PREFERENCE),
        ("I really can't stand cilantro!", CueKind.PREFERENCE),
        ("I don’t eat meat.", CueKind.PREFERENCE),
        ("My favorite color is green.", CueKind.PREFERENCE),
        ("I'm allergic to peanuts.", CueKind.FACT),
        ("I live in Lisbon.", CueKind.FACT),
        ("I am a nurse.", CueKind.FACT),
        ("My sister's name is Maria.", CueKind.FACT),
        ("I have two kids.", CueKind.FACT),
        ("I adopted a puppy last week.", CueKind.EVENT),
        ("Yesterday we flew to Oslo.", CueKind.EVENT),
    ],
)
def test_a_lasting_statement_is_kept_as_it_was_said(text: str, kind: CueKind) -> None:
    assert kept(text) == [(kind, text)]


@pytest.mark.parametrize(
    "text",
    [
        "Nice weather.",
        "I'm a bit tired.",
        "We went out.",
        "You love tea.",
        "```\nI love code\n```",
        "> I like mail",
        "",
    ],
)
def test_passing_talk_gives_nothing(text: str) -> None:
    assert cues_in(text, said_at=SAID_AT) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Do you know what I like?", Dropped.QUESTION),
        ("If I live in Paris one day, great.", Dropped.SUPPOSED),
        ("I'd say I like tea.", Dropped.SUPPOSED),
        ("I love it!", Dropped.POINTING),
        ("I made it yesterday.", Dropped.POINTING),
    ],
)
def test_what_only_looks_like_a_memory_is_dropped_with_a_reason(text: str, why: Dropped) -> None:
    assert [cue.dropped for cue in cues_in(text, said_at=SAID_AT)] == [why]


@pytest.mark.parametrize(
    ("text", "precision", "balanced", "recall"),
    [
        ("I live in Oslo.", "kept", "kept", "kept"),
        ("I think I like tea.", "it is not said outright", "kept", "kept"),
        ("I adopted a puppy last month.", "its date is not that of a day", "kept", "kept"),
        ("I adopted a puppy yesterday.", "kept", "kept", "kept"),
        ("I adopted a puppy.", None, None, "weak"),
        ("Maybe I'm allergic to nuts.", *["it is supposed, wished or conditional"] * 2, "weak"),
        ("If I like it I buy it.", *["it is supposed, wished or conditional"] * 3),
        ("I love it!", *["it points at something outside the sentence"] * 3),
        ("Do I like tea?", *["it asks a question"] * 3),
        ("You love tea.", None, None, None),
    ],
)
def test_each_aim_draws_the_line_elsewhere(
    text: str, precision: str | None, balanced: str | None, recall: str | None
) -> None:
    def outcome(aim: Aim) -> str | None:
        for cue in cues_in(text, said_at=SAID_AT, aim=aim):
            return cue.dropped or ("weak" if cue.weak else "kept")
        return None

    assert [outcome(aim) for aim in (Aim.PRECISION, Aim.BALANCED, Aim.RECALL)] == [precision, balanced, recall]


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_quotation_is_exactly_its_span_of_the_message(before: str, after: str) -> None:
    text = f"{before}\nI prefer tea’s warmth.\n{after}"
    for cue in cues_in(text, said_at=SAID_AT):
        assert text[cue.start : cue.end] == cue.sentence


def test_topics_are_phrases_and_entities_are_names_within_a_sentence() -> None:
    text = "I joined a mentorship program for young artists in Lisbon with Maria's brother."
    assert topics_in(text, limit=1) == ("mentorship program",)
    moved = "I moved from Hamburg to Lisbon in March 2024 for a job at a small bakery called Pão Quente."
    assert topics_in(moved, limit=9) == ("small bakery", "pão quente", "hamburg", "lisbon", "job")
    assert topics_in("I'm allergic to shellfish, so no seafood restaurants please.")[0] == "seafood restaurants"
    assert entities_in(text) == ("Lisbon", "Maria")
