"""What is left of a deleted memory: enough to know it again when it is read out of the same messages, but no text."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.words import words

SAME_WORDS = 0.65
"""Share of words in common (Jaccard) from which two texts out of one message count as the same memory. In one message
two facts seldom share more than their subject; of four words one may not differ."""

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_NEGATION = re.compile(r"\b(?:not|no|never|none|nobody|nothing|without|cannot|\w+n['’]?t)\b", re.IGNORECASE)
_CODE = 0xFFFF
_SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Remains:
    """source: digest of the place and one source message, 32 bytes; exact: digest of the numbers and negations of the
    text, 32 bytes; codes: a 16-bit code for each of its other words, so that many words share one."""

    source: bytes
    exact: bytes
    codes: frozenset[int]


def _digest(*parts: str) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def remains(memory: Memory) -> Iterator[Remains]:
    """What to keep of a record that is deleted, one for each source message; nothing of a message's own record, or of
    one that was read out of no message. A summary of a message is known by being one, in whatever words."""
    if memory.memory_type is MemoryType.MESSAGE:
        return
    if memory.extraction_strategy == _SUMMARY:
        exact, codes = _digest(_SUMMARY), frozenset[int]()
    else:
        numbers = sorted(set(_NUMBER.findall(memory.text)))
        exact = _digest(*numbers, str(len(_NEGATION.findall(memory.text))))
        codes = frozenset(zlib.crc32(word.encode()) & _CODE for word in words(memory.text))
    for message_id in dict.fromkeys(memory.extracted_from):
        yield Remains(_digest(memory.namespace, memory.user_id, memory.session_id, message_id), exact, codes)


def known_again(one: Remains, other: Remains) -> bool:
    """Whether both are of the same memory, told in the same or nearly the same words."""
    if (one.source, one.exact) != (other.source, other.exact):
        return False
    together = one.codes | other.codes
    return not together or len(one.codes & other.codes) >= SAME_WORDS * len(together)
