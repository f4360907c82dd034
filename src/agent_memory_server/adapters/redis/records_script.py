"""Scripts that change records together with something else, a session or what is left of deleted records.

On one server all of it is one step. On a cluster the records lie in other slots: the script is first asked whether it
would get as far as the records, then these are changed one by one, and then it does the rest. What dies in between has
changed records and acknowledged nothing; whoever does it again finds them and goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from agent_memory_server.adapters.redis.cluster_client import ClusterClient, ClusterScript
from agent_memory_server.adapters.redis.connection import command, script, source
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.step import Step

_WOULD = "agent-memory-would"
_PRELUDE = f"""
local change_records, KEYS, ARGV = (function()
  local may, foreign = ARGV[1] == '1', tonumber(ARGV[2])
  local keys, words = {{}}, {{}}
  for n = 1, #KEYS do keys[n] = KEYS[n] end
  for n = 3, 2 + foreign do keys[#keys + 1] = ARGV[n] end
  for n = 3 + foreign, #ARGV do words[#words + 1] = ARGV[n] end
  return function() return may and 1 or error('{_WOULD}') end, keys, words
end)()
"""
"""Keys of other slots come as words; changing records stops the script, or was done before."""

_GUARDED_BEFORE = "local function guarded() return true end"

Guard = tuple[str, bytes]
"""A key and the value that it must still have."""


class RecordsScript:
    """A script of `scripts/` that calls `change_records`."""

    def __init__(self, client: Redis, name: str, records: Records, *, shared: str = "") -> None:
        self._client = client
        self._records = records
        cluster = cast("object", client)
        self._apart: ClusterScript | None = None
        if isinstance(cluster, ClusterClient):
            parts = (_PRELUDE, source("rest"), _GUARDED_BEFORE, source(shared) if shared else "", source(name))
            self._apart = ClusterScript(cluster, "\n".join(parts))
        else:
            self._script = script(client, name, changes_records=True, shared=shared)

    async def __call__(
        self, keys: Sequence[str], args: Sequence[Any], steps: Sequence[Step], *, guard: Guard | None = None
    ) -> Any:
        """What the script answers; None where the records, or what is guarded, are not as expected any more."""
        names, words = self._records.call_of(steps)
        guarded = ([guard[0]], [guard[1]]) if guard else ([], [])
        foreign, told = [*guarded[0], *names], [*guarded[1], *words]
        if self._apart is None:
            with translating():
                return await self._script(keys=[*keys, *foreign], args=[*args, *told])
        if foreign:
            answer = await self._asked(keys, args, foreign, told)
            if answer is not None:
                return answer
            if guard and (await command(self._client, "GET", guard[0]) or b"0") != guard[1]:
                return None
            if await self._records.change_each(steps):
                return None
        return await self._run("1", keys, args, foreign, told)

    async def _asked(
        self, keys: Sequence[str], args: Sequence[Any], foreign: Sequence[str], told: Sequence[Any]
    ) -> Any | None:
        """What the script answers where it does not get as far as the records, else None."""
        try:
            return await self._run("0", keys, args, foreign, told)
        except ResponseError as exc:
            if _WOULD not in str(exc):
                raise
            return None

    async def _run(
        self, may: str, keys: Sequence[str], args: Sequence[Any], foreign: Sequence[str], told: Sequence[Any]
    ) -> Any:
        if self._apart is None:
            raise AssertionError("only on a cluster")
        return await self._apart(keys=list(keys), args=[may, len(foreign), *foreign, *args, *told])
