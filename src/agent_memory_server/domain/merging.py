"""Whether one text can stand for others that are said to tell the same: checked by its words, as no model is believed.

What a merged text leaves out is gone for every later search, so nothing passes that loses a number, a name, a date or a
negation, that gives one of them to another thing or puts them in another order, that leaves out a third of what one of
the texts says, or that says a word none of them says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agent_memory_server.domain.decision import Reason
from agent_memory_server.domain.said import is_past, one_word
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
    twice first second third only every always before after during until since near above below inside outside left
    right
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december spring summer autumn winter morning evening night""".split()
)
"""Numbers, dates, limits and places in words."""

_NO_NAMES = STOP_WORDS | frozenset(
    """user each every most some many all both after before during since while once there here also today currently now
    recently usually often sometimes always likes loves enjoys prefers hates dislikes wants needs has had works worked
    lives lived drinks eats uses owns plays speaks studies""".split()
)
"""Words whose capital at the beginning of a sentence makes no name."""

_GLUE = frozenset(one_word(word) for word in "user also both well especially together".split())
"""Stems that a merged text may add."""


_SIGN = re.compile(r"[^\w\s.,;:!?'’\"“”„«»()\[\]{}*_…–—`/-]")
"""What tells $5 from €5, 5 % from 5, C from C++."""

_WORD = re.compile(r"\d+(?:[.,:/-]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|[.;!?,]")
_MARKS = frozenset(".;!?,")
_COMPARING = frozenset("than over before after instead rather versus".split())
"""Beside them, and "to" behind "prefer", the order of words tells which is which."""


_MOODS = frozenset(
    """was were had did used will would may might can could must should or nor neither hardly rarely seldom he she
    user mother father mom mum dad parents wife husband partner girlfriend boyfriend fiance sister brother siblings son
    daughter child children kids baby grandmother grandfather grandma grandpa aunt uncle cousin niece nephew friend boss
    manager colleague neighbour neighbor doctor teacher want wants wish wishes hope hopes plan plans near nearly almost
    before after until till except unless""".split()
)
"""What tells what is from what was, may be, must be, is wanted or nearly is, who it is about, and "on Monday" from
"before Monday"."""

_PERFECT = frozenset("has have is are be been being get gets".split())
"""Before a word in -ed: "has worked since 2019" is still so, and "is engaged" tells of now."""

_MOOD_OF = {"cannot": "can", "can't": "can", "won't": "will", **dict.fromkeys(("i", "me", "my"), "user")}
_DENIES = 3
"""Words behind a negation that it is about, at most, up to the next mark."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What a text tells, as far as words show.

    names: in their order. exact: names, numbers and dates. spelt: all words, folded; stems: of all but stop words.
    signs: of `_SIGN`. order: names and numbers as they follow each other, where words compare all stems. bound: each
    number with the stem behind it, and each negation with the next ones. moods: of `_MOODS`. past: whether it tells of
    something past.
    """

    names: tuple[str, ...]
    exact: frozenset[str]
    spelt: frozenset[str]
    signs: frozenset[str]
    stems: frozenset[str]
    denied: int
    order: tuple[str, ...]
    bound: frozenset[tuple[str, str]]
    moods: frozenset[str]
    past: bool


def _told(text: str) -> _Told:
    names = [fold(re.sub(r"['’]s$", "", found)) for found in _NAME.findall(text)]
    # Names are not stemmed: "Ann" and "Anne" have one stem.
    names = [name for name in names if name not in _NO_NAMES]
    spelt = [re.sub(r"['’]s$", "", word) for word in _WORD.findall(fold(text))]
    exact = {*names, *_NUMBER.findall(text), *(word for word in spelt if word in _KEPT_WORDS)}
    compares = bool(_COMPARING & set(spelt)) or ("to" in spelt and "prefer" in map(_stem, spelt))
    ordered = words(text) if compares else [word for word in spelt if word in names or word[0].isdigit()]
    return _Told(
        names=tuple(names),
        exact=frozenset(exact),
        stems=frozenset(map(one_word, words(text))),
        denied=len(_NEGATION.findall(text)),
        order=tuple(dict.fromkeys(ordered)),
        spelt=frozenset(spelt),
        signs=frozenset(_SIGN.findall(text)),
        bound=frozenset((*_bound(spelt), *_denied(spelt))),
        past=any(is_past(word) and before not in _PERFECT for before, word in pairwise(["", *spelt])),
        moods=_MOODS & {_MOOD_OF.get(word, re.sub(r"n['’]t$", "", word)) for word in spelt},
    )


def _bound(spelt: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Numbers, each with the stem of the word behind it, if there is one before the next mark."""
    number = ""
    for word in spelt:
        if word[0].isdigit() or word in _MARKS:
            number = "" if word in _MARKS else word
        elif number and (found := words(word)):
            yield number, one_word("".join(found))
            number = ""


def _denied(spelt: Sequence[str]) -> Iterable[tuple[str, str]]:
    left = 0
    for word in spelt:
        if word in _MARKS:
            left = 0
        elif _NEGATION.fullmatch(word):
            left = _DENIES
        elif left and word != "longer" and (found := words(word)):
            yield "not", one_word("".join(found))
            left -= 1


def _stem(word: str) -> str:
    return one_word("".join(words(word)) or word)


def stands_for(merged: str, texts: Sequence[str], *, every_word: bool = False) -> bool:
    """Whether the text holds what all of the texts tell, and nothing that none of them tells, as far as words show.

    every_word: as rules can tell, so without anybody who knows that a word left out says nothing new.
    """
    return objection(merged, texts, every_word=every_word) is None


def objection(merged: str, texts: Sequence[str], *, every_word: bool = False) -> Reason | None:
    """Why the text cannot stand for the texts; None when it can. every_word: see `stands_for`."""
    whole = _told(merged)
    parts = [_told(text) for text in texts]
    said = frozenset[str]().union(*(part.stems | part.exact | part.spelt for part in parts))
    if not merged.strip() or len(merged) > sum(map(len, texts)):
        return Reason.EMPTY_TEXT
    if not whole.stems | whole.exact <= said | _GLUE:
        return Reason.WORDS_ADDED
    for part in parts:
        for holds, reason in (
            (part.exact <= whole.exact | whole.spelt and part.signs == whole.signs, Reason.EXACT_LOST),
            (part.denied == whole.denied, Reason.DENIAL),
            (part.moods == whole.moods and part.past == whole.past, Reason.ABOUT),
            (part.bound <= whole.bound, Reason.MOVED),
            (_in_order(part, whole), Reason.ORDER),
            (_covered(part, whole, every_word), Reason.WORDS_LOST),
        ):
            if not holds:
                return reason
    return None


def _covered(part: _Told, whole: _Told, every_word: bool) -> bool:
    stems = part.stems - _GLUE
    if every_word:  # and each name as often: in "Ann buys it in Ann's shop" the second one says nothing of the first
        return stems <= whole.stems and Counter(part.names) <= Counter(whole.names)
    return not stems or len(stems & whole.stems) > MORE_THAN * len(stems)


def _in_order(part: _Told, whole: _Told) -> bool:
    common = set(part.order) & set(whole.order)
    return [each for each in part.order if each in common] == [each for each in whole.order if each in common]
