"""The dial of extraction: what support each aim demands of a memory that a model found."""

from __future__ import annotations

import pytest

from agent_memory_server.domain.support import Aim, Judged, judge

SAID = "I moved to Lisbon with my 2 cats on 3 May because the rents in Vienna are too high."
SHOWN = f"Ana {SAID} Bob Welcome to Portugal!"


def judged(text: str, quote: str, aim: Aim, *, shown: str | None = SHOWN) -> Judged:
    return judge(text, quote, message=SAID, conversation=shown, aim=aim)


@pytest.mark.parametrize("aim", list(Aim))
def test_what_is_said_in_so_many_words_is_kept_by_every_aim(aim: Aim) -> None:
    text = "Ana moved to Lisbon with 2 cats on 3 May 2023 because rents in Vienna are too high."
    assert judged(text, "I moved to  lisbon", aim) == Judged()


@pytest.mark.parametrize("aim", list(Aim))
@pytest.mark.parametrize(
    ("text", "quote", "reason"),
    [
        (" ", "I moved", "its text is empty or too long"),
        ("Ana likes the sea.", "", "its quotation is not in the message"),
        ("Ana likes the sea.", "I like the sea", "its quotation is not in the message"),
        ("Ana moved in with Robert.", "I moved", "it names what the conversation does not"),
    ],
)
def test_invention_is_refused_by_every_aim(text: str, quote: str, reason: str, aim: Aim) -> None:
    found = judged(text, quote, aim)
    assert (found.told, found.weak) == (reason, False)


@pytest.mark.parametrize(
    ("text", "quote", "strict", "balanced", "open_"),
    [
        (
            "Ana moved to Lisbon with 4 cats.",
            "I moved to Lisbon with my 2 cats",
            "it tells a number that the conversation does not",
            None,
            None,
        ),
        (
            "Ana cannot afford accommodation.",
            "the rents in Vienna are too high",
            "its wording is not the message's",
            None,
            None,
        ),
        (
            "Ana moved to Lisbon with cats.",
            "I did move to Lisbon with my cats",
            "its quotation is not in the message",
            "its quotation is not in the message",
            None,
        ),
    ],
)
def test_the_more_is_aimed_at_recall_the_less_is_refused(
    text: str, quote: str, strict: str | None, balanced: str | None, open_: str | None
) -> None:
    found = [judged(text, quote, aim).told for aim in (Aim.PRECISION, Aim.BALANCED, Aim.RECALL)]
    assert found == [strict, balanced, open_]


def test_only_what_is_not_quoted_word_for_word_is_marked_as_weak() -> None:
    near, exact = "I did move to Lisbon with my cats", "I moved to Lisbon"
    assert judged("Ana moved to Lisbon with cats.", near, Aim.RECALL) == Judged(weak=True)
    assert judged("Ana moved to Lisbon with cats.", exact, Aim.RECALL) == Judged()


def test_another_language_is_judged_by_its_quotation_alone() -> None:
    assert judged("Anna zog mit Robert nach Lissabon.", "I moved to Lisbon", Aim.PRECISION, shown=None) == Judged()
