"""Messages that a model is asked about, in as many questions as a long one among them takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from agent_memory_server.domain.pieces import pieces
from agent_memory_server.domain.session import Message

MOST_CHARS = 12_000
"""Of a message in one question of extraction."""
MOST_PIECES = 10
"""Of a longer one; what is behind them is not read."""


def in_parts(messages: Sequence[Message], most_chars: int, *, most: int, cut: str = "") -> Iterator[Sequence[Message]]:
    """What each question shows of the messages: all of them, or a piece of a single one that is longer.

    most: pieces, at most; `cut` stands behind the last of them where more would follow.
    """
    if len(messages) != 1 or len(messages[0].content) <= most_chars:
        yield messages
        return
    (message,) = messages
    shown = list(islice(pieces(message.content, most_chars), most))
    if sum(map(len, shown)) < len(message.content):
        shown[-1] += cut
    for piece in shown:
        yield (replace(message, content=piece),)
