"""Where in a text the words of a query stand. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory_server.domain.query import Term
from agent_memory_server.domain.words import placed_words

LONGEST_WORDS = 30
"""Words of a passage at most: what a reader takes in at a glance."""


def passage(text: str, terms: Sequence[Term]) -> tuple[int, int] | None:
    """The place in a text where most different words of the terms stand together: its first character, and the one
    behind its last. Of equally good places the shortest, then the first; None where the text holds none of the words.

    A place begins and ends with such a word and spans at most LONGEST_WORDS words.
    """
    wanted = {word for term in terms for word in term.words}
    placed = placed_words(text)
    hits = [(at, word, start, end) for at, (word, start, end) in enumerate(placed) if word in wanted]
    best: tuple[int, int, int] | None = None  # different words, minus the length, minus the start
    found = None
    first = 0
    for last, (at, _, _, end) in enumerate(hits):
        while at - hits[first][0] >= LONGEST_WORDS:
            first += 1
        for begin in range(first, last + 1):
            start = hits[begin][2]
            value = (len({word for _, word, _, _ in hits[begin : last + 1]}), start - end, -start)
            if best is None or value > best:
                best, found = value, (start, end)
    return found
