"""What a speaker says of themselves, found by rule: lasting facts, preferences, and events with a date.

Precision comes first: a sentence that asks, supposes, or points at something outside itself ("I like that") gives
nothing. English only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agent_memory_server.domain.dates import When, dates_in
from agent_memory_server.domain.support import Aim


class CueKind(StrEnum):
    """preference: lasting likes and dislikes; fact: what is so; event: what happened or will, at a known date."""

    PREFERENCE = "preference"
    FACT = "fact"
    EVENT = "event"


class Dropped(StrEnum):
    """Why a sentence with a cue gives no memory."""

    QUESTION = "it asks a question"
    SUPPOSED = "it is supposed, wished or conditional"
    POINTING = "it points at something outside the sentence"
    HEDGED = "it is not said outright"
    UNDATED = "its date is not that of a day"


@dataclass(frozen=True, slots=True)
class Cue:
    """A sentence worth keeping, or, with `dropped`, one that looks like it.

    start, end: its span in the text; weak: kept only because nothing is to be missed.
    """

    kind: CueKind
    sentence: str
    start: int
    end: int
    when: When | None = None
    dropped: Dropped | None = None
    weak: bool = False


_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|^\s*>.*$", re.DOTALL | re.MULTILINE)
_SENTENCE = re.compile(r"[^.!?\n]+(?:\.(?=\w)[^.!?\n]+)*[.!?]*")
_LONGEST_CHARS = 300
_VERY = r"(?:(?:really|absolutely|also|always|usually|generally|personally|just|still|truly) )*"

_PREFERENCE = re.compile(
    rf"\bI {_VERY}(?:prefer|like|love|enjoy|hate|dislike|adore|can(?:'t|not) stand)\b"
    r"|\bI (?:do not|don't) (?:like|enjoy|eat|drink)\b"
    r"|\bmy (?:all-time )?favou?rite\b|\bI(?:'m| am) (?:a (?:big|huge) )?fan of\b|\bI(?:'m| am) into\b",
    re.IGNORECASE,
)
_FACT = re.compile(
    rf"\bI(?:'m| am) (?:allergic to|from|married|vegan|vegetarian|diabetic|based in|originally from|lactose)\b"
    rf"|\bI {_VERY}(?:live|work|study|teach|speak|own|play|volunteer) (?!out\b|well\b|on it\b)"
    r"|\bI(?:'m| am) an? (?!bit\b|little\b|lot\b|huge\b|big\b|fan\b|while\b|few\b|mess\b|believer\b)\w+"
    r"|\bI (?:was born|grew up|graduated|used to (?:live|work))\b"
    r"|\b[Mm]y (?:name|birthday|job|employer|address|doctor|wife|husband|partner|son|daughter|mother|father|mom|mum|dad"
    r"|brother|sister|boss|dog|cat|pet|hometown|major|car|time ?zone|phone number|email)(?:'s)?(?: name)? (?:is|are)\b"
    r"|\bI have (?:an?|one|two|three|four|five) (?:\w+ )?(?:son|daughter|child|kid|brother|sister|dog|cat|pet|car"
    r"|degree|allergy|job)",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(r"\b(?:I|we|my)\b", re.IGNORECASE)
_HAPPENED = re.compile(
    r"\b(?:I|we)(?:'ve| have)? (?:just |finally |recently )?(?:\w+ed|went|got|bought|met|saw|had|made|took|began|ran"
    r"|won|gave|did|found|left|flew|drove|ate|wrote|read|came|became|started|lost|sold|paid|spent|taught|built)\b"
    r"|\b(?:I|we)(?:'m| am|'re| are|'ll| will) \w+|\bmy [\w ]{2,40} (?:is|are|was|were) ",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"\b(?:if|unless|wish|maybe|perhaps|might|suppose|imagine|pretend|would|wouldn't|could)\b|\bI'd\b|\bas if\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\b(?:prefer|like|love|enjoy|hate|dislike|adore|stand|fan of|into|play|own|study|teach|is|are) "
    r"(?:it|that|this|them|those|these|him|her|how|what|your|you"
    r"|the (?:first|second|other|latter|former|idea|way|sound))\b"
    r"|\b(?:ones?|something|thing|things|what) I (?:\w+ )?(?:like|love|enjoy|hate)\b"
    r"|\b(?:I|we) (?:\w+ )?(?:made|did|painted|took|got|saw|bought|wrote|found) (?:it|this|that|them|one)\b",
    re.IGNORECASE,
)


_HEDGED = re.compile(
    r"\b(?:I (?:think|guess|feel like|believe)|probably|possibly|kind of|sort of|kinda|sorta|sometimes|not sure)\b",
    re.IGNORECASE,
)


def _kind(sentence: str, when: When | None, aim: Aim) -> CueKind | None:
    if _PREFERENCE.search(sentence):
        return CueKind.PREFERENCE
    if _FACT.search(sentence):
        return CueKind.FACT
    if (when is not None or aim is Aim.RECALL) and _HAPPENED.search(sentence):
        return CueKind.EVENT
    return None


def _dropped(sentence: str) -> Dropped | None:
    if sentence.endswith("?"):
        return Dropped.QUESTION
    if _SUPPOSED.search(sentence):
        return Dropped.SUPPOSED
    return Dropped.POINTING if _POINTING.search(sentence) else None


def _judged(sentence: str, kind: CueKind, when: When | None, aim: Aim) -> tuple[Dropped | None, bool]:
    """Why a sentence is dropped, and whether it is kept only because nothing is to be missed."""
    dropped = _dropped(sentence)
    if aim is Aim.RECALL:
        supposed = dropped is Dropped.SUPPOSED and not _POINTING.search(sentence)
        kept = None if supposed else dropped
        return kept, kept is None and (supposed or (kind is CueKind.EVENT and when is None))
    if aim is Aim.PRECISION and dropped is None:
        if _HEDGED.search(sentence):
            return Dropped.HEDGED, False
        if kind is CueKind.EVENT and when is not None and when.granularity != "day":
            return Dropped.UNDATED, False
    return dropped, False


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    plain = _CODE.sub(lambda found: " " * len(found.group()), text)
    for found in _SENTENCE.finditer(plain):
        sentence = found.group().strip()
        if 0 < len(sentence) <= _LONGEST_CHARS:
            yield found.start() + found.group().index(sentence), sentence


def cues_in(text: str, *, said_at: float, aim: Aim = Aim.BALANCED) -> list[Cue]:
    """The sentences of a message in which its speaker tells something lasting of themselves, in order.

    said_at: the message's own time (Unix seconds), against which relative dates are read. Code, quotations and
    sentences of more than 300 characters are passed over. aim: `precision` drops what is hedged and events without a
    day; `recall` keeps, as weak, what is supposed or wished, and events without a date.
    """
    found = []
    for start, sentence in _sentences(text.replace("’", "'")):
        if not _FIRST_PERSON.search(sentence):
            continue
        dates = dates_in(sentence, said_at=said_at)
        when = dates[0] if dates else None
        kind = _kind(sentence, when, aim)
        if kind is not None:
            end = start + len(sentence)
            dropped, weak = _judged(sentence, kind, when, aim)
            found.append(Cue(kind, text[start:end], start, end, when, dropped, weak))
    return found
