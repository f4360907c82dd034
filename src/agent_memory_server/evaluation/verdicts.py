"""Whether what would be remembered is supported by what was said, and whether it tells a fact: by words. Pure.

Words are a stand-in for sense: they find what is invented or left out, not what is misread. A judging model
(`judging`) reads sense, and makes mistakes of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent_memory_server.domain.sameness import Relation, relation
from agent_memory_server.domain.support import NUMBER, names_of, numbers_of
from agent_memory_server.domain.words import words
from agent_memory_server.evaluation.conversations import Fact
from agent_memory_server.evaluation.reading import Portion

SUPPORTED_FROM = 0.5
"""Share of a claim's words (stems, without stop words) that its source must hold; its names and numbers all."""

TOLD_FROM = 0.6
"""Share of a fact's words that a claim must hold to tell it; its names and numbers all. Over the hand-made pairs of the
tests this tells apart what people would."""

SAME_WORDS = 0.8
"""Share of words in common (Jaccard) from which two claims of a conversation count as one said twice."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What was found about a portion. supported: for each claim; told: ids of the facts that one of them tells."""

    supported: tuple[bool, ...]
    told: frozenset[str]


def by_words(portion: Portion, facts: Sequence[Fact]) -> Verdicts:
    """facts: those of the portion's conversation."""
    said = {turn.id: f"{turn.speaker}: {turn.text}" for turn in portion.turns}
    shown = " ".join(said.values())
    supported = tuple(
        is_supported(claim.text, " ".join(said[turn] for turn in claim.turns if turn in said), shown)
        for claim in portion.claims
    )
    told = frozenset(fact.id for fact in facts if any(tells(claim.text, fact.text) for claim in portion.claims))
    return Verdicts(supported, told)


def is_supported(claim: str, source: str, shown: str) -> bool:
    """Whether a claim's names and numbers were said in what was shown, and half of its other words in its source."""
    everything = shown.casefold()
    if any(name not in everything for name in names_of(claim)) or not numbers_of(claim) <= set(NUMBER.findall(shown)):
        return False
    stems = set(words(claim)) - {"user"}
    return not stems or len(stems & set(words(source))) >= SUPPORTED_FROM * len(stems)


def tells(claim: str, fact: str) -> bool:
    """Whether a claim tells a fact: its names and numbers, and most of its words."""
    spelt = claim.casefold()
    if any(name not in spelt for name in names_of(fact)) or not numbers_of(fact) <= set(NUMBER.findall(claim)):
        return False
    if relation(claim, fact) is Relation.CONTRADICTION:
        return False
    stems = set(words(fact)) - {"user"}
    return bool(stems) and len(stems & set(words(claim))) >= TOLD_FROM * len(stems)


def said_twice(texts: Iterable[str]) -> list[bool]:
    """For each text, whether an earlier one says the same."""
    seen: list[tuple[str, set[str]]] = []
    found: list[bool] = []
    for text in texts:
        stems = set(words(text))
        found.append(
            any(
                len(stems & other) >= SAME_WORDS * len(stems | other) or relation(text, earlier) is Relation.SAME
                for earlier, other in seen
            )
        )
        seen.append((text, stems))
    return found
