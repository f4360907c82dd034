"""Words as the index knows them: the domain's words, each spelt so that every index leaves it as it is.

The Query Engine would split, fold, stem and stop words by rules of its own, which know neither accents nor Chinese. So
each record has a text field of ours (`stems_`) with its words as `domain.words` gives them, repeats included, each as
six letters and digits: no stop word, nothing to cut or fold, and harmless in a query. Two different words are spelt
alike with a probability of 5e-10.
"""

from __future__ import annotations

import string
import zlib
from collections.abc import Sequence
from functools import lru_cache

from agent_memory_server.domain.words import words

FIELD = "stems_"

_DIGITS = string.digits + string.ascii_lowercase
_CHARS = 6
_SPELLINGS = len(_DIGITS) ** _CHARS


@lru_cache(maxsize=8_192)
def stem(word: str) -> str:
    """How one of the domain's words is spelt."""
    number = zlib.crc32(word.encode()) % _SPELLINGS
    found = ""
    for _ in range(_CHARS):
        number, digit = divmod(number, len(_DIGITS))
        found += _DIGITS[digit]
    return found


def stems(text: str) -> str:
    """All words of a text, in their order, as the field holds them."""
    return " ".join(map(stem, words(text)))


def counted(field: bytes) -> int:
    """How many words a field holds."""
    return (len(field) + 1) // (_CHARS + 1)


def phrase(words_: Sequence[str]) -> bytes:
    """Words that follow each other, as a field has them."""
    return f" {' '.join(map(stem, words_))} ".encode()


def holds(field: bytes, wanted: bytes) -> bool:
    """Whether a field has a phrase."""
    return wanted in b" %b " % field
