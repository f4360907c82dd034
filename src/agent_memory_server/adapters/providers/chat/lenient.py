"""JSON as small models write it: read where it can be read in one way only.

Beyond JSON: single quotes and bare names for keys, commas too many or missing, line breaks and quotation marks inside
strings, Python's True, False and None, comments.
"""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_KEY = re.compile(r"[A-Za-z_][\w-]*")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])")
_WORD = re.compile(r"[A-Za-z]+")
_WORDS = {"true": True, "false": False, "null": None, "none": None}
_QUOTES = {'"': '"', "'": "'", "“": "”"}
_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\(U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ENDS = re.compile(r"\s*(?:[,:}\]]|\Z)")
_DEEPEST = 40
_LAST_CODE = 0x10FFFF


def decoded(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at `start`, and the place behind it. Raises: ValueError."""
    return _Reader(text).value(start, 0)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        """Raises: ValueError."""
        at = self._skip(at)
        first = self._text[at : at + 1]
        if depth > _DEEPEST:
            raise ValueError("too deep")
        if first == "{":
            return self._object(at + 1, depth)
        if first == "[":
            return self._list(at + 1, depth)
        if first in _QUOTES and first:
            return self._string(at)
        if number := _NUMBER.match(self._text, at):
            told = float(number.group())
            return (int(told) if told.is_integer() and "." not in number.group() else told), number.end()
        word = _WORD.match(self._text, at)
        if word is None or word.group().lower() not in _WORDS:
            raise ValueError(f"no value at {at}")
        return _WORDS[word.group().lower()], word.end()

    def _object(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        while True:
            at = self._next(at)
            if self._text[at : at + 1] == "}":
                return found, at + 1
            key, at = self._key(at)
            at = self._skip(at)
            if self._text[at : at + 1] != ":":
                raise ValueError(f"no colon at {at}")
            found[key], at = self.value(at + 1, depth + 1)

    def _list(self, at: int, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        while True:
            at = self._next(at)
            if self._text[at : at + 1] == "]":
                return found, at + 1
            value, at = self.value(at, depth + 1)
            found.append(value)

    def _key(self, at: int) -> tuple[str, int]:
        if self._text[at : at + 1] in _QUOTES and at < len(self._text):
            return self._string(at)
        bare = _KEY.match(self._text, at)
        if bare is None:
            raise ValueError(f"no key at {at}")
        return bare.group(), bare.end()

    def _string(self, at: int) -> tuple[str, int]:
        """A quotation mark ends it where something follows that can follow a string; any other one is part of it."""
        mark = _QUOTES[self._text[at]]
        end = at + 1
        while True:
            end = self._text.find(mark, end)
            if end < 0:
                raise ValueError(f"a string without an end at {at}")
            escaped = (end - len(self._text[at + 1 : end].rstrip("\\")) - at - 1) % 2
            if not escaped and _ENDS.match(self._text, end + 1):
                return _ESCAPE.sub(_unescaped, self._text[at + 1 : end]), end + 1
            end += 1

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _next(self, at: int) -> int:
        """Where the next member begins, or the end: commas between are counted neither way."""
        at = self._skip(at)
        while self._text[at : at + 1] == ",":
            at = self._skip(at + 1)
        if at >= len(self._text):
            raise ValueError("it has no end")
        return at


def _unescaped(found: re.Match[str]) -> str:
    escaped = found.group(1)
    if escaped and escaped[0] in "Ux" and len(escaped) > 1:
        code = int(escaped[1:], 16)
        return chr(code) if code <= _LAST_CODE else "\N{REPLACEMENT CHARACTER}"
    try:
        return str(json.loads(f'"{found.group()}"'))
    except ValueError:
        return escaped
