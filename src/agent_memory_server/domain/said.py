"""What a short text tells, broken into its words: which of them belong together, what is denied, what is a name.

Grammar is put aside (articles, inflection, a few synonyms, the order of phrases); what can change what is told is kept:
numbers with their signs and points, where a negation stands, tense, capitals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from agent_memory_server.domain.words import fold, words

_TOKEN = re.compile(
    r"(?<![^\s(])-(?=\d)"  # the sign of a number
    r"|[^\W_]+(?:(?:['’.:/@]|(?<=\d)[,-]|[,-](?=\d))[^\W_]+)*"  # 3.11, 2024-05-01, ann.lee@example.org are one word
    r"|[^\w\s'’\"“”„«»()\[\]{}*…–—`-]"  # what tells $5 from €5, 5 % from 5, C from C++
)
_SPEAKER = re.compile(r"\s*(?:user|human)\s*:\s", re.IGNORECASE)
_MARKS = frozenset(".;!,:")
_BEGINS = frozenset(".!:")
"""Marks behind which a capital begins a sentence."""

_LINKS = frozenset(
    "in at on of for to from with by as about over than into under near since until after before during".split()
)
_WITHOUT = "without"
_LINK_OF = {_WITHOUT: "with"}
_DENIALS = frozenset({"not", "no", "never", "none", _WITHOUT})
_SPELT = {
    "cannot": ("can", "not"),
    "can't": ("can", "not"),
    "won't": ("will", "not"),
    "shan't": ("shall", "not"),
    "i'm": ("i", "am"),
    "i've": ("i", "have"),
    "&": ("and",),
}
_PAST = frozenset("was were had did used".split())
_PRESENT = frozenset("is are am has have do does".split())
_FILLERS = frozenset(
    "a an the is are was were be been being am do does did that this currently now really also very quite still".split()
)
_MYSELF = frozenset("i me my mine".split())
_USER = frozenset({"user", "users"})
_DENIED = "¬"
_ONE_WORD = {
    **dict.fromkeys(("enjoy", "love", "ador"), "like"),
    **dict.fromkeys(("resid", "base"), "live"),
    "call": "name",
    "favorit": "favourit",
    "color": "colour",
    **dict.fromkeys(("has", "had"), "have"),
}
"""Stems that are taken as another one."""


_STATES = frozenset("call name base employ marri".split())
"""Stems whose form in -ed tells how something is, not how it was."""


def one_word(stem: str) -> str:
    """The stem that stands for this one and those that mean the same."""
    return _ONE_WORD.get(stem, stem)


Part = tuple[str, tuple[str, ...]]
"""The word that links it to the rest, "" for none, and its stems, with a sign where something is denied."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a text tells.

    parts:    sorted where their order cannot change what is told.
    denied:   how many negations there are.
    past:     words that tell of something past, as far as their form shows: "was", "lived", "hundred".
    tenses:   these and what tells of now, in order, as stems; empty where nothing is past.
    one:      words behind "a" or "an".
    spelt:    all words, folded; capitals: those of them that begin with one.
    names:    those of them that have it within a sentence.
    """

    parts: tuple[Part, ...]
    denied: int
    past: frozenset[str]
    tenses: tuple[str, ...]
    one: frozenset[str]
    spelt: frozenset[str]
    capitals: frozenset[str]
    names: frozenset[str]

    @property
    def affirmed(self) -> tuple[Part, ...]:
        """The parts as if nothing were denied."""
        parts = ((link, tuple(stem for stem in run if stem != _DENIED)) for link, run in self.parts)
        return _ordered([(link, run) for link, run in parts if run])


@dataclass(frozen=True, slots=True)
class _Word:
    """text: folded. name: whether it has its capital within a sentence."""

    text: str
    capital: bool
    name: bool


def _ordered(parts: list[Part]) -> tuple[Part, ...]:
    """Phrases may change places ("in Berlin"), unless they could belong to different things then: "Ann lives in Rome,
    Bob in Oslo"."""
    links = [link for link, _ in parts]
    return tuple(sorted(parts) if len(set(links)) == len(links) else parts)


def stem_of(word: str) -> str:
    """Of a word of letters; what else there is stands for itself."""
    return ("".join(words(word)) or word) if word.isalpha() else word


@lru_cache(maxsize=4096)
def said(text: str) -> Said:
    """What the text tells."""
    spelt = _spelt(text)
    # Beside "user", "me" is somebody else.
    myself = frozenset[str]() if any(word.text in _USER for word in spelt) else _MYSELF
    capitals = {word for word in spelt if word.capital and word.text not in _USER | _FILLERS}
    return Said(
        parts=_ordered(_parts(spelt, myself)),
        denied=sum(word.text in _DENIALS for word in spelt),
        past=frozenset(word.text for word in spelt if is_past(word.text)),
        tenses=_tenses(spelt),
        one=frozenset(_behind_an_article(spelt)),
        spelt=frozenset(word.text for word in spelt),
        capitals=frozenset(word.text for word in capitals),
        names=frozenset(word.text for word in capitals if word.name),
    )


def _spelt(text: str) -> list[_Word]:
    """The words and signs of a text. A heading "User:" makes no part of its own."""
    found: list[_Word] = []
    begins = True
    for token in _TOKEN.findall(unicodedata.normalize("NFKC", _SPEAKER.sub("", text).replace("’", "'"))):
        plain = fold(token)
        capital = token[0].isupper() and plain not in _MYSELF
        spelt = _SPELT.get(plain) or ((plain[:-3], "not") if plain.endswith("n't") else (plain,))
        found += [_Word(word.removesuffix("'s"), capital, capital and not begins) for word in spelt]
        begins = token in _BEGINS
    return found


def _parts(spelt: Iterable[_Word], myself: frozenset[str]) -> list[Part]:
    parts: list[Part] = []
    link, run = "", list[str]()
    for each in spelt:
        word = each.text
        if word in _MARKS or word in _LINKS or word == _WITHOUT:
            if run:
                parts.append((link, tuple(run)))
            link, run = "" if word in _MARKS else _LINK_OF.get(word, word), []
        if word in _DENIALS:
            run.append(_DENIED)
        elif word not in _MARKS and word not in _LINKS and not _is_filler(word, run):
            # "Ann" and "Anne" have one stem.
            run.append("user" if word in myself | _USER else word if each.capital else one_word(stem_of(word)))
    return [*parts, (link, tuple(run))] if run else parts


def _is_filler(word: str, run: list[str]) -> bool:
    return word in _FILLERS or (word == "longer" and run[-1:] == [_DENIED])


def is_past(word: str) -> bool:
    """Whether a word, folded, tells of something past."""
    stem = stem_of(word)
    ends = word.endswith("ed") and not word.endswith("eed") and stem != word  # not "red", "need"
    return word in _PAST or (ends and stem not in _STATES)


def _tenses(spelt: Iterable[_Word]) -> tuple[str, ...]:
    found = [word.text for word in spelt if word.text in _PRESENT or is_past(word.text)]
    if all(word in _PRESENT for word in found):
        return ()
    return tuple("is" if word in _PRESENT else "was" if word in _PAST else stem_of(word) for word in found)


def _behind_an_article(spelt: Iterable[_Word]) -> Iterable[str]:
    single = False
    for word in (each.text for each in spelt):
        if single:
            yield word
        single = word in {"a", "an"} or (single and word not in _LINKS | _MARKS)
