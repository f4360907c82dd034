"""Scripts that change records together with something else, a session or what is left of deleted records.

On one server all of it is one step. On a cluster the records lie in other slots: the script does the rest in one step
and keeps what is owed to the records with it, which are changed then (`owing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from redis.asyncio import Redis

from agent_memory_server.adapters.redis.cluster_client import ClusterClient, ClusterScript
from agent_memory_server.adapters.redis.connection import command, script, source
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.owing import Again, Owing
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.step import Step, steps_text

_BEFORE = """
local kept_in, name, owed, kept = KEYS[#KEYS], ARGV[1], ARGV[2], 0
local function change_records()
  if name ~= '' then
    redis.call('HSET', kept_in, name, owed)
    kept = 1
  end
  return 1
end
local KEYS, ARGV = (function()
  local foreign = tonumber(ARGV[3])
  local keys, words = {}, {}
  for n = 1, #KEYS - 1 do keys[n] = KEYS[n] end
  for n = 4, 3 + foreign do keys[#keys + 1] = ARGV[n] end
  for n = 4 + foreign, #ARGV do words[#words + 1] = ARGV[n] end
  return keys, words
end)()
local function whole()
"""
_GUARDED_BEFORE = "local function guarded() return true end"
_BEHIND = """
end
local answer = whole()
return { kept, answer }
"""
"""Keys of other slots come as words; what is owed to them is kept beside the others."""

Guard = tuple[str, bytes]
"""A key and the value that it must still have."""


class RecordsScript:
    """A script of `scripts/` that calls `change_records`."""

    def __init__(self, client: Redis, name: str, records: Records, *, shared: str = "") -> None:
        self._client = client
        self._records = records
        self._owing = Owing(client, records)
        cluster = cast("object", client)
        self._apart: ClusterScript | None = None
        if isinstance(cluster, ClusterClient):
            functions = (source("rest"), _GUARDED_BEFORE, source(shared) if shared else "")
            parts = (_BEFORE, *functions, source(name), _BEHIND)
            self._apart = ClusterScript(cluster, "\n".join(parts))
        else:
            self._script = script(client, name, changes_records=True, shared=shared)

    async def __call__(
        self,
        keys: Sequence[str],
        args: Sequence[Any],
        steps: Sequence[Step],
        *,
        guard: Guard | None = None,
        again: Again | None = None,
    ) -> Any:
        """What the script answers; None where the records, or what is guarded, are not as expected any more.

        again: on a cluster, where the rest is done by then, plans steps once more whose records were changed meanwhile.
        """
        if self._apart is not None:
            return await self._on_cluster(self._apart, keys, args, steps, guard, again)
        names, words = self._records.call_of(steps)
        guarded = ([guard[0]], [guard[1]]) if guard else ([], [])
        with translating():
            return await self._script(keys=[*keys, *guarded[0], *names], args=[*args, *guarded[1], *words])

    async def _on_cluster(
        self,
        run: ClusterScript,
        keys: Sequence[str],
        args: Sequence[Any],
        steps: Sequence[Step],
        guard: Guard | None,
        again: Again | None,
    ) -> Any:
        if guard and (await command(self._client, "GET", guard[0]) or b"0") != guard[1]:
            return None
        # The script only counts these.
        foreign = [*([guard[0]] if guard else []), *self._records.call_of(steps)[0]]
        if not steps:
            with translating():
                _, answer = await run(keys=[*keys, keys[0]], args=["", "", len(foreign), *foreign, *args])
            return answer
        debt = await self._owing.announce(keys[0])
        with translating():
            told = [debt.name, steps_text(steps), len(foreign), *foreign, *args]
            kept, answer = await run(keys=[*keys, debt.kept], args=told)
        if kept:
            await self._owing.pay(steps, again)
        await self._owing.settle(debt, kept=bool(kept))
        return answer
