"""The scripts of sessions, each one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.owing import Again
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.records_script import Guard, RecordsScript
from agent_memory_server.adapters.redis.session_adoption import SessionAdoption
from agent_memory_server.adapters.redis.session_document import head_from
from agent_memory_server.adapters.redis.step import Step
from agent_memory_server.domain.session import Session, SessionKey


class SessionScripts:
    """Runs them. Documents of another server that are in the way are taken over first."""

    def __init__(self, client: Redis, adoption: SessionAdoption, records: Records, *, prefix: str) -> None:
        self._prefix = prefix
        self._adoption = adoption
        plain = ("read", "fold", "note", "count", "delete")
        self._scripts = {name: script(client, f"{name}_session", shared="session") for name in plain}
        self._changing = {
            name: RecordsScript(client, f"{name}_session", records, shared="session")
            for name in ("append", "put", "mark")
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
        records: Sequence[Step] = (),
        guard: Guard | None = None,
        again: Again | None = None,
    ) -> list[Any]:
        """What a script answers. records: steps that change records with it; guard: what must not have changed; again:
        see `RecordsScript`."""
        names = keys.session(self._prefix, key).all
        passing = "0"
        while True:
            args = [keys.parts_digest(key), repr(now), passing, *words]
            answer: list[Any]
            if name in self._changing:
                answer = await self._changing[name](names, args, records, guard=guard, again=again) or [b"retry"]
            else:
                with translating():
                    answer = await self._scripts[name](keys=names, args=args)
            if answer[0] != b"foreign":
                return answer
            if not await self._adoption.adopt(answer[1], now=now):
                passing = "1"  # what cannot be read is no session of anybody
