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


def chat_tokens(day: str) -> str:
    """Counter: tokens of chat models on a day."""
    return f"agent-memory:chat-tokens:{day}"
