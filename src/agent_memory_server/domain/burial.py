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

SAME_EVIDENCE = 0.6
"""Share of the shorter quotation's words that two quotations out of one message have in common, from which what was
read out of them counts as the same memory, in whatever words it is told."""

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_NEGATION = re.compile(r"\b(?:not|no|never|none|nobody|nothing|without|cannot|\w+n['’]?t)\b", re.IGNORECASE)
_CODE = 0xFFFF
_SUMMARY = "summary"
_EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Remains:
    """source: digest of the place and one source message, 32 bytes; exact: digest of the numbers and negations of the
    text or quotation, 32 bytes; codes: a 16-bit code for each of its other words, so that many words share one.
    evidence: of the quotation that the memory was read out of, not of its text; kept by its mark in `exact`."""

    source: bytes
    exact: bytes
    codes: frozenset[int]
    evidence: bool = False


def _digest(*parts: str) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def _said(text: str, *mark: str) -> tuple[bytes, frozenset[int]]:
    """Digest of the numbers and negations of a text, and codes of its words."""
    numbers = sorted(set(_NUMBER.findall(text)))
    exact = _digest(*mark, *numbers, str(len(_NEGATION.findall(text))))
    return exact, frozenset(zlib.crc32(word.encode()) & _CODE for word in words(text))


def remains(memory: Memory) -> Iterator[Remains]:
    """What to keep of a record that is deleted: one for each source message, and one for the quotation that it was read
    out of. Nothing of a message's own record, or of one that was read out of no message. A summary of a message is
    known by being one, in whatever words."""
    if memory.memory_type is MemoryType.MESSAGE:
        return
    if memory.extraction_strategy == _SUMMARY:
        exact, codes = _digest(_SUMMARY), frozenset[int]()
    else:
        exact, codes = _said(memory.text)
    for message_id in dict.fromkeys(memory.extracted_from):
        yield Remains(_source(memory, message_id), exact, codes)
    match memory.metadata.get("source"):
        case {"message_id": str() as message_id, "quote": str() as quote} if message_id in memory.extracted_from:
            exact, codes = _said(quote, _EVIDENCE)
            if codes:
                yield Remains(_source(memory, message_id), exact, codes, evidence=True)


def _source(memory: Memory, message_id: str) -> bytes:
    return _digest(memory.namespace, memory.user_id, memory.session_id, message_id)


def known_again(one: Remains, other: Remains) -> bool:
    """Whether both are of the same memory: told in the same or nearly the same words, or read out of the same words of
    a message. Equal digests make `other` the same kind as `one`."""
    if (one.source, one.exact) != (other.source, other.exact):
        return False
    common = len(one.codes & other.codes)
    if one.evidence:
        return common >= SAME_EVIDENCE * min(len(one.codes), len(other.codes))
    together = one.codes | other.codes
    return not together or common >= SAME_WORDS * len(together)
