"""How much support a memory needs in the words it comes from: the dial between precision and recall. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent_memory_server.domain.decision import Reason
from agent_memory_server.domain.words import words

LONGEST_TEXT: Final = 1000
NEAR_QUOTATION: Final = 0.8
"""Share of a quotation's words that the message must hold for it to count as weak support."""

OWN_WORDING: Final = 0.5
"""Share of a memory's words (stems, without stop words and names) that its message must hold under `precision`."""

_NAME = re.compile(r"(?<=[\w,] )[A-Z][\w’'-]+")
_CALENDAR = frozenset(
    "User Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August "
    "September October November December".split()
)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DATES = re.compile(
    rf"\d{{4}}-\d\d(?:-\d\d)?|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b"
    r"|\b(?:19|20)\d\d\b",
    re.IGNORECASE,
)
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


TOLD: Final[Mapping[Reason, str]] = {
    Reason.FORM: "it has not the form that was asked for",
    Reason.NO_MESSAGE: "it names no message that was asked about",
    Reason.EMPTY_TEXT: "its text is empty or too long",
    Reason.NO_QUOTATION: "its quotation is not in the message",
    Reason.UNKNOWN_NAME: "it names what the conversation does not",
    Reason.UNKNOWN_NUMBER: "it tells a number that the conversation does not",
    Reason.OWN_WORDING: "its wording is not the message's",
}
"""Why a memory that a model found is refused, for people."""


class Aim(StrEnum):
    """What extraction is to miss rather: `precision` misses true memories, `recall` lets doubtful ones in."""

    PRECISION = "precision"
    BALANCED = "balanced"
    RECALL = "recall"


@dataclass(frozen=True, slots=True)
class Judged:
    """reason: why it is refused, None when it is not; weak: kept although its support is not word for word."""

    reason: Reason | None = None
    weak: bool = False

    @property
    def told(self) -> str | None:
        """The reason, for people."""
        return None if self.reason is None else TOLD[self.reason]


def judge(text: str, quote: str, *, message: str, conversation: str | None, aim: Aim) -> Judged:
    """Whether a memory may be kept.

    text, quote: what a model says; message: the content of the message it names; conversation: everything that the
    model was shown, None where names and wording are not looked up (another language was asked for).
    """
    if not text.strip() or len(text) > LONGEST_TEXT:
        return Judged(Reason.EMPTY_TEXT)
    exact = bool(quote.strip()) and _plain(quote) in _plain(message)
    if not exact and not (aim is Aim.RECALL and _share(quote, message) >= NEAR_QUOTATION):
        return Judged(Reason.NO_QUOTATION)
    if conversation is None:
        return Judged(weak=not exact)
    shown = conversation.casefold()
    if any(name not in shown for name in names_of(text)):
        return Judged(Reason.UNKNOWN_NAME)
    if aim is Aim.PRECISION:
        return Judged(_doubtful(text, message, shown))
    return Judged(weak=not exact)


def _doubtful(text: str, message: str, shown: str) -> Reason | None:
    if not numbers_of(text) <= set(NUMBER.findall(shown)):
        return Reason.UNKNOWN_NUMBER
    if _share(_NAME.sub(" ", _DATES.sub(" ", text)), message) < OWN_WORDING:
        return Reason.OWN_WORDING
    return None


def names_of(text: str) -> list[str]:
    """What a text names, in lower case: words with a capital within a sentence, without days and months."""
    found = (name for name in _NAME.findall(text) if name not in _CALENDAR)
    return [re.sub(r"['’]s$", "", name).casefold() for name in found]


def numbers_of(text: str) -> set[str]:
    """The numbers that a text tells, dates aside."""
    return set(NUMBER.findall(_DATES.sub(" ", text)))


def _share(text: str, message: str) -> float:
    """Share of the distinct words of a text that a message holds; 0 for a text without any."""
    said = set(words(text)) - {"user"}
    return len(said & set(words(message))) / len(said) if said else 0.0


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
