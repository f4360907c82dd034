"""What storing records comes to, of what is there now; the plan is carried out if that is still so."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from agent_memory_server.adapters.redis.exact import CURRENT, FIELD, ContentKey, content_key, hash_condition
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.adapters.redis.index import Index
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.writing import Changes, Plan, holders, version_ids
from agent_memory_server.domain.errors import Forbidden, Unavailable
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.scope import Scope
from agent_memory_server.ports.memory_store import MemoryWrite

_ATTEMPTS = 100

T = TypeVar("T")


def check_place(scope: Scope, memory: Memory) -> None:
    """Raises: Forbidden, when a record lies outside the scope."""
    if not scope.allows(memory.namespace, memory.user_id):
        raise Forbidden(f'writing to namespace "{memory.namespace}", user "{memory.user_id}" is not granted')


async def until_done(attempt: Callable[[], Awaitable[T | None]]) -> T:
    """Read, decide and write until nobody changed in between what was read. Raises: Unavailable."""
    for number in range(_ATTEMPTS):
        done = await attempt()
        if done is not None:
            return done
        await asyncio.sleep(random.random() * 0.001 * min(number, 20))  # noqa: S311 - spreads retries, guards nothing
    raise Unavailable("other writers keep changing the same records; try again")


class Planner:
    """Plans changes of the records of one index."""

    def __init__(self, records: Records, index: Index) -> None:
        self._records = records
        self._index = index

    async def planned(self, scope: Scope, writes: Sequence[MemoryWrite], *, deduplicate: bool) -> Plan:
        """What storing these comes to. Raises: Forbidden, when one lies outside the scope."""
        for write in writes:
            check_place(scope, write.memory)
        ids = [id_ for write in writes for id_ in (write.memory.id, write.fallback_id) if id_ is not None]
        same = await self._same_content([write.memory for write in writes] if deduplicate else [])
        plan = Plan(scope, await self.changes(ids), same, deduplicate)
        for write in writes:
            plan.add(write)
        return plan

    async def changes(self, ids: Sequence[str]) -> Changes:
        """What a change of these records, each as often as it is named, needs to know."""
        known = await self._records.read(ids)
        often = Counter(ids)
        versions = [name for id_ in often if id_ in known for name in version_ids(known[id_].memory, often[id_])]
        # A record that a request stores twice has a version in the end as well.
        versions += [f"{id_}@{n}" for id_, count in often.items() if id_ not in known for n in range(1, count)]
        vectors = await self._records.read_vectors(id_ for id_, stored in known.items() if stored.embedded)
        return Changes(known | await self._records.read(versions), vectors)

    async def _same_content(self, memories: Sequence[Memory]) -> dict[ContentKey, str]:
        """Of the current records that say what one of these says, the least id."""
        if not memories:
            return {}
        wanted = {content_key(memory) for memory in memories}
        query = IndexQuery(f"{hash_condition(key[-1] for key in wanted)} @{FIELD}:{{{CURRENT}}}")
        found = await self._records.read(await self._index.every(query))
        return {key: id_ for key, id_ in holders(found).items() if key in wanted}
