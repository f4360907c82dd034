"""How keys are spelt: nowhere else.

Keys that the reference server also has are spelt as it spells them. Our own begin with `agent-memory:`; those that one
script changes together share a hash tag, so that they lie in one slot of a cluster.
"""

from __future__ import annotations

import hashlib

TOKENS = "agent-memory:tokens"
"""Hash: digest of a token to the token as JSON."""

ANSWER_TIMES = "agent-memory:{answers}"
"""Sorted set: keys of kept answers by the time they expire."""

VECTORS = "agent-memory:{vectors}"
"""Hash: model and digest of a text to its vector."""

VECTOR_ORDER = "agent-memory:{vectors}:order"
"""Sorted set: fields of VECTORS by the number of their storing."""

VECTOR_NUMBER = "agent-memory:{vectors}:number"
"""The number given last."""

REFERENCE_TOKENS = "auth_tokens:list"
"""Set of the reference server: hashes of its tokens."""


def answer(subject: str, key: str) -> str:
    """Hash: the answer kept for a subject and an idempotency key, whatever characters these hold."""
    parts = [subject.encode("utf-8", "surrogatepass"), key.encode("utf-8", "surrogatepass")]
    digest = hashlib.sha256(len(parts[0]).to_bytes(8, "big") + parts[0] + parts[1]).hexdigest()
    return f"agent-memory:{{answers}}:{digest}"


def vector_field(model: str, digest: bytes) -> bytes:
    """The field of VECTORS for a text's digest (32 bytes) under a model."""
    return digest + model.encode()


_HEX = "agent-memory:hex:"


def record(prefix: str, id_: str) -> str:
    """Hash: a long-term record, as the reference server keeps it. prefix: without the colon.

    The index cannot read a key with a NUL: such an id is spelt in hex digits, and so is one that looks like that.
    """
    if "\0" in id_ or id_.startswith(_HEX):
        id_ = _HEX + id_.encode().hex()
    return f"{prefix}:{id_}"


def access(record_key: str) -> str:
    """Hash: the last access to a record (`l`) and how many there were (`c`), outside the index, so that noting one
    re-indexes nothing. In the record's slot."""
    return f"agent-memory:access:{{{_tag(record_key)}}}{record_key}"


def _tag(key: str) -> str:
    """What of a key decides its slot."""
    start = key.find("{")
    end = key.find("}", start + 1)
    return key if start < 0 or end < 0 or end == start + 1 else key[start + 1 : end]


CHANGES = "agent-memory:changes"
"""Stream: what was stored and deleted last among the records (`changes`)."""

PROBE = "agent-memory:probe"
"""String: written to see whether writing is possible."""


def chat_tokens(day: str) -> str:
    """Counter: tokens of chat models on a day."""
    return f"agent-memory:chat-tokens:{day}"
