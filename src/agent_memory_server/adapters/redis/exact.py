"""Exact tokens: what makes equality in the index exact.

A tag of RediSearch is compared without case, trimmed and split at commas. So each value that a filter can ask for is
also stored as a token, a letter for the field and 64 bits of the value's digest, in one case-sensitive tag field
(`exact_`). A token is a word of letters and digits: nothing in a query needs escaping. Two different values share a
token with a probability of 5e-20; what a query finds is checked against the filter all the same.
"""

from __future__ import annotations

import hashlib

from agent_memory_server.domain.filters import TagField, TextField
from agent_memory_server.domain.memory import Memory, hash_of

FIELD = "exact_"

_LETTERS = {
    TextField.NAMESPACE: "n",
    TextField.USER_ID: "u",
    TextField.SESSION_ID: "s",
    TextField.MEMORY_TYPE: "m",
    TextField.EXTRACTION_STRATEGY: "x",
    TextField.ID: "i",
    TextField.MEMORY_HASH: "h",
    TextField.SUPERSEDED_BY: "p",
    TagField.TOPICS: "t",
    TagField.ENTITIES: "e",
}


def _token(letter: str, value: bytes) -> str:
    return letter + hashlib.blake2b(value, digest_size=8).hexdigest()


def token(field: TextField | TagField, value: str) -> str:
    """The token of a value; "" is the value of a record that has none."""
    return _token(_LETTERS[field], value.encode())


CURRENT = token(TextField.SUPERSEDED_BY, "")
"""The token of a record that is current."""


def content_token(memory: Memory) -> str:
    """Equal for current records of equal content hash in one namespace, user and session."""
    parts = (memory.namespace, memory.user_id, memory.session_id, memory.memory_hash or hash_of(memory))
    return _token("c", b"".join(len(part := value.encode()).to_bytes(4, "big") + part for value in parts))


def tokens(memory: Memory) -> str:
    """All tokens of a record, as the field holds them."""
    found = {
        token(field, str(getattr(memory, field.value))) for field in TextField if field is not TextField.MEMORY_HASH
    }
    found.add(token(TextField.MEMORY_HASH, memory.memory_hash or hash_of(memory)))
    for tags in TagField:
        found.update(token(tags, value) for value in (getattr(memory, tags.value) or ("",)))
    if not memory.superseded_by:  # what lies in the past is no duplicate of anything
        found.add(content_token(memory))
    return ",".join(sorted(found))
