"""Long texts in pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent_memory_server.domain.pieces import pieces


@given(st.text(st.sampled_from("ab. \n"), max_size=300), st.integers(4, 60))
def test_pieces_are_short_enough_and_together_the_text(text: str, most: int) -> None:
    found = list(pieces(text, most))
    assert "".join(found) == text
    assert all(len(piece) <= most for piece in found)
    assert all(len(piece) > most // 2 for piece in found[:-1])


def test_a_piece_ends_where_something_ends() -> None:
    assert list(pieces("One two three. Four five six", 20)) == ["One two three. ", "Four five six"]
    assert list(pieces("A first line.\nAnd a second. One", 26)) == ["A first line.\n", "And a second. One"]
    assert list(pieces("one two three four", 10)) == ["one two ", "three four"]
    assert list(pieces("short", 10)) == ["short"]
