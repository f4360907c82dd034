"""Sessions that old versions of the other server kept as text, made JSON documents.

They are read by their key as they are; only as documents the index knows them, so that they are listed. Whose session a
text is, its own ids tell: the name of its key alone could mean several. A text that does not tell it, or tells another,
is left alone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.scanning import pages
from agent_memory_server.adapters.redis.session_adoption import SessionAdoption
from agent_memory_server.domain.session import SessionKey

_LEGACY = ("sessions", "sessions:*")
"""Sorted sets that the other server kept once, and reads no more."""

_MARKS = {"migration:complete": "true", "migration:remaining": "0"}
"""What the other server notes under keys that could be a session's, and what that is in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """How far it is.

    seen: texts looked at. converted: those that are documents now (in a trial: would be). unresolved: keys of those
    that do not tell whose session they are, or tell another than their key. legacy: sorted sets dropped.
    """

    seen: int = 0
    converted: int = 0
    unresolved: Sequence[str] = field(default_factory=tuple)
    legacy: int = 0


async def convert(
    client: Redis, prefix: str, *, now: float, batch_size: int = 1_000, trial: bool = False
) -> AsyncIterator[Converted]:
    """Convert every text under a prefix, batch by batch, keeping what is left of its time to live; and drop the legacy
    sorted sets. Servers may go on meanwhile. May be cut off and run again. trial: only tell. Raises: Unavailable."""
    adoption = SessionAdoption(client, prefix=prefix)
    done = Converted()
    async for page in pages(client, f"{keys.literally(prefix)}*", "string", most=batch_size):
        for name, text in await _texts(client, prefix, page):
            done = replace(done, seen=done.seen + 1)
            if not _tells(text, prefix, name):
                done = replace(done, unresolved=(*done.unresolved, name))
            elif trial or await adoption.adopt(name.encode(), now=now):
                done = replace(done, converted=done.converted + 1)
        yield done
    for pattern in _LEGACY:
        async for page in pages(client, pattern, "zset", most=batch_size):
            done = replace(done, legacy=done.legacy + len(page))
            for key in [] if trial else page:
                await command(client, "DEL", key)
    if not trial and not done.unresolved:
        await _settle(client, prefix)
    yield done


async def _settle(client: Redis, prefix: str) -> None:
    """Tell the other server that no texts are left, unless a session has the name of its mark."""
    for name, value in _MARKS.items():
        if await command(client, "TYPE", f"{prefix}{name}") in (b"none", b"string"):
            await command(client, "SET", f"{prefix}{name}", value)


async def _texts(client: Redis, prefix: str, page: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """Texts by key, without the other server's marks, and without those that became documents meanwhile."""
    async with client.pipeline(transaction=False) as pipe:
        for key in page:
            pipe.execute_command("GET", key)
        with translating():
            found = zip(page, await pipe.execute(raise_on_error=False), strict=True)
    texts = [(key.decode("utf-8", "replace"), text) for key, text in found if isinstance(text, bytes)]
    return [(name, text) for name, text in texts if name.removeprefix(prefix) not in _MARKS or _members(text)]


def _members(text: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _tells(text: bytes, prefix: str, name: str) -> bool:
    """Whether a text is a session, and its ids spell the key that it is under."""
    members = _members(text)
    if members is None or not members.get("session_id"):
        return False
    parts = [str(members.get(part) or "") for part in ("namespace", "user_id", "session_id")]
    places = keys.session(prefix, SessionKey(*parts))
    return name in (places.home, places.apart)
