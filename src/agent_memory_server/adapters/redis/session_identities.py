"""Whose the documents are that the index found, and what they are owed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.domain.session import SessionKey

_AT_ONCE = 500
_OWN = tuple(f"$.agent_memory.{name}" for name in ("owed_since", "outgrown_since"))
_PATHS = ("$.namespace", "$.user_id", "$.session_id", *_OWN)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose a document is. unread, outgrown: since when it is owed to be read, and to be folded."""

    key: SessionKey
    unread: float | None
    outgrown: float | None


async def identities(client: Redis, found: Sequence[bytes]) -> Sequence[Identity]:
    """Of these documents, without those that are gone."""
    result = []
    for start in range(0, len(found), _AT_ONCE):
        async with client.pipeline(transaction=False) as pipe:
            for key in found[start : start + _AT_ONCE]:
                pipe.execute_command("JSON.GET", key, *_PATHS)
            with translating():
                texts = await pipe.execute()
        for members in (json.loads(text) for text in texts if text is not None):
            values = [members[path][0] if members.get(path) else None for path in _PATHS]
            result.append(Identity(SessionKey(*(part or "" for part in values[:3])), *values[3:]))
    return result
