"""Taking over documents that another server wrote: each is given our member, and keeps every member that it has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command, script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.session_document import (
    OWN,
    SEEN,
    exact_tokens,
    foreign_session,
    message_words,
    order_of,
    run_of_times,
    strategy_json,
)
from agent_memory_server.domain.session import Session, SessionKey

_ATTEMPTS = 20


class SessionAdoption:
    """Gives documents our member where they lie."""

    def __init__(self, client: Redis, *, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._adopt = script(client, "adopt_session")

    async def adopt(self, key: bytes, *, now: float) -> bool:
        """Take over the document under a key; False when it is none that can be read. A document under a name that is
        none of its session's is given our member too, and found by nobody."""
        for _ in range(_ATTEMPTS):
            found = await self._read(key)
            if found is None:
                return False
            text, members = found
            if await self._taken(key, text, members, now=now):
                return True
        return False

    async def _read(self, key: bytes) -> tuple[bytes, dict[str, Any]] | None:
        kind = await command(self._client, "TYPE", key)
        text = b""
        if kind == b"ReJSON-RL":
            text = await command(self._client, "JSON.GET", key) or b""
        elif kind == b"string":
            text = await command(self._client, "GET", key) or b""
        try:
            members = json.loads(text)
        except ValueError:
            return None
        return (text, members) if isinstance(members, dict) else None

    async def _taken(self, key: bytes, text: bytes, members: dict[str, Any], *, now: float) -> bool:
        try:
            session = foreign_session(_with_ids(members), now=now)
        except (TypeError, ValueError, AttributeError):
            session = Session(key=SessionKey("", "", ""), created_at=now, updated_at=now, last_accessed=now)
            members = {**members, OWN: {"key": "", "exact": SEEN}}
        else:
            members = _adopted(_with_ids(members), session, now=now)
        names = keys.session(self._prefix, session.key)
        companions = [names.positions, names.unread]
        if key.decode("utf-8", "replace") not in (names.home, names.apart):
            members[OWN] |= {"key": "", "exact": SEEN}
            companions = []
        words = message_words(session.messages) if members[OWN]["key"] else []
        with translating():
            done = await self._adopt(keys=[key, *companions], args=[text, json.dumps(members), *words])
        return bool(done)


def _with_ids(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members, with an id for each message that has none."""
    messages: Sequence[dict[str, Any]] = members.get("messages") or []
    numbered = [{**one, "id": one.get("id") or f"message-{place}"} for place, one in enumerate(messages)]
    return {**members, "messages": numbered}


def _adopted(members: dict[str, Any], session: Session, *, now: float) -> dict[str, Any]:
    """The members with ours. What ours said before of the document's history stays."""
    before = members.get(OWN)
    unread = any(not one.discrete_memory_extracted for one in session.messages)
    latest, ordered = run_of_times(session.messages)
    own = {
        "key": keys.parts_digest(session.key),
        "exact": exact_tokens(session.key, counted=False),
        "order": order_of(session.key),
        "revision": before["revision"] + 1 if isinstance(before, dict) and before.get("revision") else 1,
        "count": len(session.messages),
        "known": len({one.id for one in session.messages}),
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "last_accessed": session.last_accessed,
        "strategy": strategy_json(session.strategy),
        "extra": "",
        "ordered": ordered == "1",
    }
    if unread:
        own["owed_since"] = now
    if isinstance(before, dict):
        own |= {name: before[name] for name in ("window", "outgrown_since") if before.get(name) is not None}
    if latest:
        own["latest"] = float(latest)
    if session.ttl_seconds is not None:
        own["ttl"] = session.ttl_seconds
    return {**members, OWN: own}
