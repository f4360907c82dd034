"""What a session owes the long-term records on a cluster, where these lie in other slots.

One script decides on a change of a session, and keeps with it, in the session's slot, what it owes. So a change that is
refused leaves nothing, and one that was made is followed by its records: whoever made it changes them and then settles
what was kept; if that process dies, the sweep does both. What may be kept is announced before, in one place that the
sweep looks at.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.planning import until_done
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.step import Step, steps_from

_ALIVE_S = 60.0
"""Whoever announced something this long ago is not at it any more: longer than deadlines, and than clocks differ."""

_AT_ONCE = 100

Again = Callable[[frozenset[str]], Awaitable[Sequence[Step]]]
"""The steps for records, by id, that were not as they were read."""


@dataclass(frozen=True, slots=True)
class Debt:
    """One change. name: of its own; kept: the key of a hash, where it is kept under the name."""

    name: str
    kept: str

    @property
    def announced(self) -> str:
        """The member of the set that announces it."""
        return f"{self.name}{self.kept}"


_NAME_CHARS = 16


class Owing:
    """Announces, settles and completes what sessions owe."""

    def __init__(self, client: Redis, records: Records) -> None:
        self._client = client
        self._records = records

    async def announce(self, session_home: str) -> Debt:
        """Say that a session may owe something from now on. Raises: Unavailable."""
        debt = Debt(secrets.token_hex(_NAME_CHARS // 2), keys.owed_records(session_home))
        await command(self._client, "ZADD", keys.OWING, repr(time.time()), debt.announced)
        return debt

    async def pay(self, steps: Sequence[Step], again: Again | None) -> None:
        """Take steps that nothing can refuse any more. again: plans those once more whose records were changed
        meanwhile; None leaves these as they are. Raises: Unavailable."""
        left = list(steps)

        async def attempt() -> bool | None:
            nonlocal left
            failed = await self._records.change_each(left)
            if not failed or again is None:
                return True
            left = list(await again(failed))
            return None

        await until_done(attempt)

    async def settle(self, debt: Debt, *, kept: bool) -> None:
        """Forget something that was paid, or not even kept. Raises: Unavailable."""
        async with self._client.pipeline(transaction=False) as pipe:
            if kept:
                pipe.execute_command("HDEL", debt.kept, debt.name)
            pipe.execute_command("ZREM", keys.OWING, debt.announced)
            with translating():
                await pipe.execute()

    async def complete(self, *, alive_s: float = _ALIVE_S) -> int:
        """Do what processes that died have left; how many changes. alive_s: for how long one may be at it.

        Raises: Unavailable.
        """
        done = 0
        until = repr(time.time() - alive_s)
        while found := await command(
            self._client, "ZRANGE", keys.OWING, "-inf", until, "BYSCORE", "LIMIT", "0", str(_AT_ONCE)
        ):
            for member in found:
                text = member.decode()
                debt = Debt(text[:_NAME_CHARS], text[_NAME_CHARS:])
                told = await command(self._client, "HGET", debt.kept, debt.name)
                if told is not None:
                    # A record that was changed since is left as it is.
                    await self.pay(await self._wanted(steps_from(told)), None)
                    done += 1
                await self.settle(debt, kept=told is not None)
        if not await command(self._client, "ZCOUNT", keys.OWING, "-inf", until):
            await command(self._client, "ZREMRANGEBYSCORE", keys.OWING_GONE, "-inf", until)
        return done

    async def _wanted(self, steps: Sequence[Step]) -> list[Step]:
        """Without those of records that were deleted since."""
        if not steps:
            return []
        deleted = await command(self._client, "ZMSCORE", keys.OWING_GONE, *(step.id for step in steps))
        return [step for step, at in zip(steps, deleted, strict=True) if at is None]
