"""Whether two short texts say the same fact, contradict each other, or are two facts: by rules, and carefully.

Rules do not know what a text means. So they say SAME only where nothing but grammar and a few synonyms differ, and
CONTRADICTION only where one denies what the other says, or both give another value to a thing of which somebody has
one. Everything else is DIFFERENT: two memories of one fact cost little, a lost fact cannot be brought back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from agent_memory_server.domain.words import fold, words


class Relation(Enum):
    """What two texts are to each other."""

    SAME = "same"
    CONTRADICTION = "contradiction"
    DIFFERENT = "different"


_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[.;!?,:]")
_MARKS = frozenset(".;!?,:")
_LINKS = frozenset(
    "in at on of for to from with by as about over than into under near since until after before".split()
)
_NEGATIONS = frozenset("not no never none without cannot".split())
_PAST = frozenset("was were had did used".split())
_FILLERS = frozenset(
    """a an the is are was were be been being am do does did that this currently now really also very just quite still
    today longer""".split()
)
_ONE_WORD = {
    **dict.fromkeys(("enjoy", "love", "ador"), "like"),
    **dict.fromkeys(("resid", "base"), "live"),
    "call": "name",
    "favorit": "favourit",
    "color": "colour",
    **dict.fromkeys(("has", "had"), "have"),
    **dict.fromkeys(("i", "me", "my", "mine"), "user"),
}
"""Stems that are taken as another one."""


_STATES = frozenset("call name base employ marri".split())
"""Stems whose form in -ed tells how something is, not how it was."""

_FAVOURITE = ["user", "favourit"]
_SINGLE = frozenset("name job employ birthday".split())
"""Stems of what somebody has one of, besides a favourite something."""


def one_word(stem: str) -> str:
    """The stem that stands for this one and those that mean the same."""
    return _ONE_WORD.get(stem, stem)


@dataclass(frozen=True, slots=True)
class _Said:
    """parts: the stems between links and marks, each with its link; their order within a part counts, that of the
    parts does not. stems: all of them, in order."""

    parts: frozenset[tuple[str, tuple[str, ...]]]
    stems: tuple[str, ...]
    denied: int
    past: bool


@lru_cache(maxsize=4096)
def _said(text: str) -> _Said:
    parts: set[tuple[str, tuple[str, ...]]] = set()
    stems: list[str] = []
    link, run, denied, past = "", list[str](), 0, False
    for token in [*_TOKEN.findall(fold(text).replace("’", "'")), "."]:
        if token in _NEGATIONS or token.endswith("n't"):
            denied += 1
            continue
        if token in _MARKS or token in _LINKS:
            if run:
                parts.add((link, tuple(run)))
                run = []
            link = token if token in _LINKS else ""
            continue
        bare = token.removesuffix("'s")
        stem = "".join(words(bare)) or bare
        past = past or token in _PAST or (token.endswith("ed") and stem not in _STATES)
        if bare in _FILLERS:
            continue
        stem = one_word(stem)
        run.append(stem)
        stems.append(stem)
    return _Said(frozenset(parts), tuple(stems), denied, past)


def relation(one: str, other: str) -> Relation:
    """What two texts of one person's memory are to each other; symmetric."""
    first, second = _said(one), _said(other)
    if not first.parts or not second.parts or first.past != second.past:
        return Relation.DIFFERENT
    if first.parts == second.parts:
        if first.denied == second.denied:
            return Relation.SAME
        return Relation.DIFFERENT if first.denied and second.denied else Relation.CONTRADICTION
    thing = _single(first)
    if thing is not None and thing == _single(second) and first.denied == second.denied == 0:
        return Relation.CONTRADICTION
    return Relation.DIFFERENT


def _single(said: _Said) -> tuple[str, ...] | None:
    """The thing that the text gives a value of one word, of which somebody has one; None where it is none."""
    stems = said.stems
    if len(said.parts) == 1 and (
        (len(stems) == 4 and list(stems[:2]) == _FAVOURITE)
        or (len(stems) == 3 and stems[0] == "user" and stems[1] in _SINGLE)
    ):
        return stems[:-1]
    return None
