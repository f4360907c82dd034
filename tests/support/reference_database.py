"""Databases as the Redis Agent Memory Server 0.15.2, or an older one, leaves them: written key by key, with none of our
code taking part.

Current and older forms are mixed: that is how databases look that were upgraded along the way.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

DIMENSIONS = 8
CREATED_AT = 1_714_557_600.25
_TAGS = ("session_id", "user_id", "namespace", "memory_type", "topics", "entities", "memory_hash",
         "discrete_memory_extracted", "extraction_strategy", "pinned", "extracted_from", "id_")  # fmt: skip
_NUMBERS = ("access_count", "created_at", "last_accessed", "updated_at", "persisted_at", "event_date")
_NEWER = ("extraction_strategy", "extraction_strategy_config", "metadata", "pinned", "access_count", "extracted_from")
"""Fields that indexes of older versions lack."""

Fields = dict[str, str | bytes]


def vector(*coordinates: float) -> bytes:
    """float32, little-endian, filled up with zeros."""
    filled = [*coordinates, *([0.0] * (DIMENSIONS - len(coordinates)))]
    return struct.pack(f"<{DIMENSIONS}f", *filled)


def content_hash(fields: Mapping[str, Any]) -> str:
    """The hash of a record as the reference computes it."""
    names = ("memory_type", "namespace", "session_id", "text", "user_id")
    return hashlib.sha256(
        json.dumps({name: fields[name] or None for name in names}, sort_keys=True).encode()
    ).hexdigest()


def record(id_: str | None, text: str, **changed: Any) -> Fields:
    """The hash of a record as version 0.15.2 writes it. changed: other values; None leaves one out."""
    fields: dict[str, Any] = {
        "id_": id_,
        "text": text,
        "session_id": "",
        "user_id": "",
        "namespace": "",
        "memory_type": "semantic",
        "topics": "",
        "entities": "",
        "discrete_memory_extracted": "t",
        "extraction_strategy": "discrete",
        "extraction_strategy_config": "{}",
        "metadata": "{}",
        "pinned": "0",
        "extracted_from": "",
        "access_count": "0",
        "created_at": str(CREATED_AT),
        "last_accessed": str(CREATED_AT),
        "updated_at": str(CREATED_AT),
        "persisted_at": str(CREATED_AT),
        "vector": vector(1.0),
    }
    fields.update(changed)
    fields.setdefault("memory_hash", content_hash(fields))
    return {name: value for name, value in fields.items() if value is not None}


def older_record(id_: str | None, text: str, **changed: Any) -> Fields:
    """The hash of a record of an old version: without the fields that came later, tags joined with `|`."""
    absent = dict.fromkeys((*_NEWER, "memory_hash", "memory_type", "discrete_memory_extracted", "persisted_at"))
    return record(id_, text, **({**absent, "topics": "tea|green tea", "entities": "Ada|Bob"} | changed))


class ReferenceDatabase:
    """Writes what the reference server would have written."""

    def __init__(self, client: Redis, *, index: str = "memory_records", prefix: str = "memory_idx") -> None:
        self._client = client
        self._index = index
        self._prefix = prefix

    async def add_index(self, *, lacking: Sequence[str] = (), separator: str = ",") -> None:
        """The index over long-term records. lacking: fields that an older version did not have."""
        schema = ["text", "TEXT"]
        for name in _TAGS:
            if name not in lacking:
                listed = name in ("topics", "entities")
                schema += [name, "TAG", "SEPARATOR", separator if listed else ","]
        for name in ("extraction_strategy_config", "metadata"):
            if name not in lacking:
                schema += [name, "TEXT"]
        for name in _NUMBERS:
            if name not in lacking:
                schema += [name, "NUMERIC"]
        kind = ("TYPE", "FLOAT32", "DIM", str(DIMENSIONS), "DISTANCE_METRIC", "COSINE")
        schema += ["vector", "VECTOR", "HNSW", str(len(kind)), *kind]
        await self._run("FT.CREATE", self._index, "ON", "HASH", "PREFIX", "1", self._prefix, "SCHEMA", *schema)

    async def add_older_index(self) -> None:
        """An index of an older version."""
        await self.add_index(lacking=_NEWER, separator="|")

    async def add(self, *records: Fields) -> None:
        """Records, each under the key of its id."""
        for fields in records:
            await self.add_hash(str(fields["id_"]), fields)

    async def add_hash(self, name: str, fields: Fields) -> None:
        """A hash under a key of the prefix."""
        await self._run("HSET", f"{self._prefix}:{name}", *(word for pair in fields.items() for word in pair))

    async def add_session(self, key: str, document: Mapping[str, Any]) -> None:
        """A session as a JSON document."""
        await self._run("JSON.SET", key, "$", json.dumps(document))

    async def add_string_session(self, key: str, document: Mapping[str, Any], *, ttl_s: int | None = None) -> None:
        """A session as versions before JSON documents kept it: text."""
        await self._run("SET", key, json.dumps(document), *(["EX", str(ttl_s)] if ttl_s else []))

    async def add_token(self, digest: str = "$2b$12$abcdefghijklmnopqrstuv") -> None:
        """An access token, known by its bcrypt hash."""
        told = {"description": "laptop", "created_at": "2025-01-01T00:00:00Z", "expires_at": None, "token_hash": digest}
        await self._run("SET", f"auth_token:{digest}", json.dumps(told))
        await self._run("SADD", "auth_tokens:list", digest)

    async def add_surroundings(self) -> None:
        """What else lies in such a database: a view with a summary, a task, legacy keys, a token."""
        view = {"id": "v1", "name": "by user", "source": "long_term", "group_by": ["user_id"], "filters": {}}
        await self._run("SADD", "summary_view:index", "v1")
        await self._run("SET", "summary_view:v1:config", json.dumps(view))
        await self._run("SET", "summary_view:v1:summary:user%5Fid=u1", json.dumps({"summary": "likes tea"}))
        await self._run("SET", "task:t1", json.dumps({"id": "t1", "status": "done"}), "EX", "604800")
        await self._run("SET", "extraction_debounce:s1", "extracted", "EX", "300")
        await self._run("SET", "extraction_pending:s1", "2025-01-01T00:00:00Z", "EX", "600")
        await self._run("ZADD", "sessions", "1", "s1")
        await self._run("ZADD", "sessions:team", "1", "s1")
        for name in ("messages:s1", "context:s1", "tokens:s1", "metadata:s1"):
            await self._run("SET", name, "old")
        await self.add_token()

    async def snapshot(self, pattern: str = "*") -> dict[bytes, bytes | None]:
        """Every key with its value as Redis dumps it."""
        found: dict[bytes, bytes | None] = {}
        async for key in self._client.scan_iter(match=pattern, count=1000):
            found[key] = await self._client.dump(key)
        return found

    async def _run(self, *words: str | bytes) -> Any:
        return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]


def session(
    session_id: str, *, namespace: str | None = None, user_id: str | None = None, **changed: Any
) -> dict[str, Any]:
    """A session's document as version 0.15.2 writes it. changed: members that differ."""
    at = int(CREATED_AT)
    return {
        "messages": [message("m1", "I like tea")],
        "memories": [],
        "context": None,
        "user_id": user_id,
        "tokens": 0,
        "session_id": session_id,
        "namespace": namespace,
        "ttl_seconds": None,
        "data": {},
        "long_term_memory_strategy": {"strategy": "discrete", "config": {}},
        "last_accessed": at,
        "created_at": at,
        "updated_at": at,
    } | changed


def message(id_: str, content: str, *, role: str = "user") -> dict[str, Any]:
    """A message of a session."""
    return {
        "role": role,
        "content": content,
        "id": id_,
        "created_at": "2024-05-01T10:00:00.250000+00:00",
        "persisted_at": None,
        "discrete_memory_extracted": "f",
    }
