"""Answers about texts, kept so that only who has the texts can read them.

What a model said about a text would outlive the text when it is deleted. So it is kept under a digest of the question,
and sealed: combined with a key stream (SHAKE-256) made of the question itself. Without the texts there is no key.
Whoever can guess a text exactly can check the guess, as with every digest.
"""

from __future__ import annotations

import hashlib
import json

_DIGEST = "digest"
_SEAL = "seal"


def _material(use: str, question: tuple[str, ...]) -> bytes:
    return json.dumps([use, *question]).encode()


def question_digest(*question: str) -> bytes:
    """32 bytes that name a question: what it is for, the model, and the texts."""
    return hashlib.sha256(_material(_DIGEST, question)).digest()


def sealed(content: bytes, *question: str) -> bytes:
    """The content, unreadable without the question; as long as before. Sealing it again opens it."""
    stream = hashlib.shake_256(_material(_SEAL, question)).digest(len(content))
    return bytes(one ^ other for one, other in zip(content, stream, strict=True))
