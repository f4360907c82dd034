"""The scripts of sessions, each one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.session_adoption import SessionAdoption
from agent_memory_server.adapters.redis.session_document import head_from
from agent_memory_server.domain.session import Session, SessionKey

_NONE: tuple[list[str], list[str | bytes]] = ([], [])
_CHANGE_RECORDS = ("append", "put", "mark")


class SessionScripts:
    """Runs them. Documents of another server that are in the way are taken over first."""

    def __init__(self, client: Redis, adoption: SessionAdoption, *, prefix: str) -> None:
        self._prefix = prefix
        self._adoption = adoption
        self._scripts = {
            name: script(client, f"{name}_session", shared="session", changes_records=name in _CHANGE_RECORDS)
            for name in ("read", "append", "put", "mark", "fold", "delete")
        }

    async def read(self, key: SessionKey, words: Sequence[str], *, now: float) -> tuple[Session, list[bytes]] | None:
        """A session's head, and what the words ask for of its messages; None where there is none."""
        state, *rest = await self.run("read", key, words, now=now)
        return None if state == b"none" else (head_from(key, rest[0]), rest[1:])

    async def run(
        self,
        name: str,
        key: SessionKey,
        words: Sequence[str | bytes],
        *,
        now: float,
        records: tuple[Sequence[str], Sequence[str | bytes]] = _NONE,
    ) -> list[Any]:
        """What a script answers. records: keys and words of the step that changes records with it."""
        names = keys.session(self._prefix, key)
        passing = "0"
        while True:
            with translating():
                answer: list[Any] = await self._scripts[name](
                    keys=[*names.all, *records[0]],
                    args=[keys.parts_digest(key), repr(now), passing, *words, *records[1]],
                )
            if answer[0] != b"foreign":
                return answer
            if not await self._adoption.adopt(answer[1], now=now):
                passing = "1"  # what cannot be read is no session of anybody
