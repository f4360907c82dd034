"""Whether one text can stand for others that are said to tell the same: checked by its words, as no model is believed.

What a merged text leaves out is gone for every later search, so nothing passes that loses a number, a name, a date or a
negation, that leaves out a third of what one of the texts says, or that says a word none of them says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent_memory_server.domain.sameness import one_word
from agent_memory_server.domain.words import STOP_WORDS, fold, words

MORE_THAN = 2 / 3
"""Share of a text's words that a text standing for it must have more than: "works for Acme since 2019" has two of
three words of "works for Acme as a nurse", and cannot stand for it."""

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_NEGATION = re.compile(r"\b(?:not|no|never|none|nobody|nothing|without|cannot|\w+n['’]?t)\b", re.IGNORECASE)
_NAME = re.compile(r"\b[A-Z][\w’'-]*")
_KEPT_WORDS = frozenset(
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million half dozen once
    twice first second third only every always
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december spring summer autumn winter morning evening night""".split()
)
"""Numbers, dates and limits in words."""

_NO_NAMES = STOP_WORDS | frozenset(
    """user each every most some many all both after before during since while once there here also today currently now
    recently usually often sometimes always likes loves enjoys prefers hates dislikes wants needs has had works worked
    lives lived drinks eats uses owns plays speaks studies""".split()
)
"""Words whose capital at the beginning of a sentence makes no name."""

_GLUE = frozenset(one_word(word) for word in "user also both well especially together".split())
"""Stems that a merged text may add."""


@dataclass(frozen=True, slots=True)
class _Told:
    """exact: numbers, names and dates, folded; stems: of all other words."""

    exact: frozenset[str]
    stems: frozenset[str]
    denied: int


def _told(text: str) -> _Told:
    exact = set(_NUMBER.findall(text))
    for found in _NAME.findall(text):
        name = fold(re.sub(r"['’]s$", "", found))
        if name not in _NO_NAMES:
            exact.add(_stem(name))
    exact |= {_stem(word) for word in re.findall(r"[^\W\d_]+", fold(text)) if word in _KEPT_WORDS}
    return _Told(frozenset(exact), frozenset(map(one_word, words(text))), len(_NEGATION.findall(text)))


def _stem(word: str) -> str:
    return one_word("".join(words(word)) or word)


def stands_for(merged: str, texts: Sequence[str], *, every_word: bool = False) -> bool:
    """Whether the text holds what all of the texts tell, and nothing that none of them tells, as far as words show.

    every_word: as rules can tell, so without anybody who knows that a word left out says nothing new.
    """
    whole = _told(merged)
    parts = [_told(text) for text in texts]
    said = frozenset[str]().union(*(part.stems | part.exact for part in parts))
    return (
        bool(merged.strip())
        and len(merged) <= sum(map(len, texts))
        and all(part.exact <= whole.exact | whole.stems for part in parts)
        and all(_covered(part, whole, every_word) for part in parts)
        and all(part.denied == whole.denied for part in parts)
        and whole.stems | whole.exact <= said | _GLUE
    )


def _covered(part: _Told, whole: _Told, every_word: bool) -> bool:
    stems = part.stems - _GLUE
    if every_word:
        return stems <= whole.stems
    return not stems or len(stems & whole.stems) > MORE_THAN * len(stems)
