"""Whether two short texts say the same fact, contradict each other, or are two facts: by rules, and carefully.

Rules do not know what a text means. So they say SAME only where nothing but grammar and a few synonyms differ, and
CONTRADICTION only where one denies what the other says, or both give another value to a thing of which somebody has
one. Everything else is DIFFERENT: two memories of one fact cost little, a lost fact cannot be brought back.
"""

from __future__ import annotations

from enum import Enum

from agent_memory_server.domain.said import Said, said


class Relation(Enum):
    """What two texts are to each other."""

    SAME = "same"
    CONTRADICTION = "contradiction"
    DIFFERENT = "different"


_FAVOURITE = ("user", "favourit")
_SINGLE = frozenset("name job employ birthday".split())
"""Stems of what somebody has one of, besides a favourite something. Of "employ" only "employer" is: who employs
somebody may employ others too."""

_SAME_IN_PAST = frozenset("beat bet burst cast cost cut hit hurt let put quit read set shut split spread".split())


def relation(one: str, other: str) -> Relation:
    """What two texts of one person's memory are to each other; symmetric."""
    first, second = said(one), said(other)
    if not first.parts or not second.parts or _of_other_times(first, second):
        return Relation.DIFFERENT
    if first.parts == second.parts:
        unlike = first.tenses != second.tenses or _unlike(first, second) or _unlike(second, first)
        return Relation.DIFFERENT if unlike else Relation.SAME
    if {first.denied, second.denied} == {0, 1} and first.affirmed == second.affirmed:
        return Relation.CONTRADICTION
    return _other_value(first, second)


def _of_other_times(first: Said, second: Said) -> bool:
    """Whether one tells of something past and the other does not. What both say tells them not apart: "a red bike"."""
    return bool(first.past - second.spelt) != bool(second.past - first.spelt)


def _unlike(first: Said, second: Said) -> bool:
    """Whether the same stems are a name here and none there ("Turkey"), one thing here and several there ("a cat",
    "cats"), or tell of now here and perhaps of once there ("reads", "read")."""
    if first.names & second.spelt - second.capitals:
        return True
    spelt = second.spelt
    if any(f"{word}s" in spelt or f"{word}es" in spelt for word in first.one):
        return True
    return any(f"{word}s" in spelt and word not in spelt for word in first.spelt & _SAME_IN_PAST)


def _other_value(first: Said, second: Said) -> Relation:
    thing = _single(first)
    same = thing is not None and thing == _single(second)
    # Of what was, there may have been several, one after another.
    changed = same and not first.past and not second.past and first.denied == second.denied == 0
    return Relation.CONTRADICTION if changed else Relation.DIFFERENT


def _single(told: Said) -> tuple[str, ...] | None:
    """The thing that the text gives a value of one word, of which somebody has one; None where it is none."""
    if len(told.parts) != 1:
        return None
    ((_, stems),) = told.parts
    favourite = len(stems) == 4 and stems[:2] == _FAVOURITE
    single = len(stems) == 3 and stems[0] == "user" and stems[1] in _SINGLE
    single = single and (stems[1] != "employ" or "employer" in told.spelt)
    return stems[:-1] if favourite or single else None
