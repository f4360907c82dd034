"""A long text in pieces, for a model that does not read it in one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

_ENDS = ("\n\n", "\n", ". ", " ")
"""What a piece may end with, best first."""


def pieces(text: str, most_chars: int) -> Iterator[str]:
    """The text in pieces of at most so many characters, which together are the text.

    A piece ends with a paragraph, else a line, a sentence or a word, if one ends in its second half.
    """
    at = 0
    while len(text) - at > most_chars:
        end = at + most_chars
        for mark in _ENDS:
            found = text.rfind(mark, at + most_chars // 2, end)
            if found >= 0:
                end = found + len(mark)
                break
        yield text[at:end]
        at = end
    yield text[at:]
