"""Exact tokens: what makes equality in the index exact.

A tag of RediSearch is compared without case, trimmed and split at commas. So each value that a filter can ask for is
also stored as a token in one case-sensitive tag field (`exact_`): a letter for the field, and the value itself where it
is a short word, else 64 bits of its digest. A token is a word of letters, digits and underscores: nothing in a query
needs escaping. Two different values share a token with a probability of 5e-20; what a query finds is checked against
the filter all the same.

Ids have no token, since a record's key tells its id, nor has a content hash in its usual form, which the other server's
field `memory_hash` compares exactly: an indexed word that no two records share costs Redis some 200 bytes.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterable

from agent_memory_server.domain.filters import TagField, TextField
from agent_memory_server.domain.memory import Memory, hash_of
from agent_memory_server.domain.words import VERSION

FIELD = "exact_"

_PLAIN = re.compile(r"[A-Za-z0-9]{0,10}")
_HASH = re.compile(r"[0-9a-f]{64}")
_DIGITS = string.digits + string.ascii_letters
_DIGEST_CHARS = 11
"""Of 62 letters and digits: 64 bits. Only of a short word's token is the second character an underscore."""

_LETTERS = {
    TextField.NAMESPACE: "n",
    TextField.USER_ID: "u",
    TextField.SESSION_ID: "s",
    TextField.MEMORY_TYPE: "m",
    TextField.EXTRACTION_STRATEGY: "x",
    TextField.MEMORY_HASH: "h",
    TextField.SUPERSEDED_BY: "p",
    TagField.TOPICS: "t",
    TagField.ENTITIES: "e",
}


def _token(letter: str, value: str) -> str:
    if _PLAIN.fullmatch(value):
        return f"{letter}_{value}"
    digest = int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest())
    found = ""
    for _ in range(_DIGEST_CHARS):
        digest, digit = divmod(digest, len(_DIGITS))
        found += _DIGITS[digit]
    return letter + found


def token(field: TextField | TagField, value: str) -> str:
    """The token of a value; "" is the value of a record that has none."""
    return _token(_LETTERS[field], value)


CURRENT = token(TextField.SUPERSEDED_BY, "")
"""The token of a record that is current."""


WORDED = f"w_{VERSION}"
"""The token of a record that has its words in a field (`stems`), as this version cuts and stems them."""


def hash_condition(hashes: Iterable[str]) -> str:
    """The records with one of these content hashes, in the query language; perhaps more, that differ in case."""
    different = list(dict.fromkeys(hashes))
    usual = [value for value in different if _HASH.fullmatch(value)]
    others = [value for value in different if not _HASH.fullmatch(value)]
    parts = [f"@memory_hash:{{{'|'.join(usual)}}}"] if usual else []
    if others:
        parts.append(f"@{FIELD}:{{{'|'.join(token(TextField.MEMORY_HASH, value) for value in others)}}}")
    return f"({'|'.join(parts)})" if len(parts) > 1 else parts[0]


ContentKey = tuple[str, str, str, str]
"""Namespace, user, session, content hash."""


def content_key(memory: Memory) -> ContentKey:
    """Equal for records of equal content hash in one namespace, user and session."""
    return memory.namespace, memory.user_id, memory.session_id, memory.memory_hash or hash_of(memory)


def content_query(memory: Memory) -> str:
    """The current records that say the same in the same place, in the query language."""
    places = {TextField.NAMESPACE: memory.namespace, TextField.USER_ID: memory.user_id}
    places |= {TextField.SESSION_ID: memory.session_id}
    exact = " ".join(f"@{FIELD}:{{{found}}}" for found in (*(token(*one) for one in places.items()), CURRENT))
    return f"{hash_condition([memory.memory_hash or hash_of(memory)])} {exact}"


_TOLD = (TextField.NAMESPACE, TextField.USER_ID, TextField.SESSION_ID, TextField.MEMORY_TYPE,
         TextField.EXTRACTION_STRATEGY, TextField.SUPERSEDED_BY)  # fmt: skip


def tokens(memory: Memory) -> str:
    """All tokens of a record, as the field holds them."""
    found = {token(field, str(getattr(memory, field.value))) for field in _TOLD}
    found.add(WORDED)
    for tags in TagField:
        found.update(token(tags, value) for value in (getattr(memory, tags.value) or ("",)))
    if memory.memory_hash and not _HASH.fullmatch(memory.memory_hash):
        found.add(token(TextField.MEMORY_HASH, memory.memory_hash))
    return ",".join(sorted(found))
