"""Records that another server wrote, written again as we write them (`agent-memory migrate-memories`).

Serving them needs no such step; it settles what older versions left out or spelt otherwise: content hashes, ids, types,
lists joined with `|`, times as ISO text. Every step may be repeated: a record that is as we write it is passed over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.adoption import open_index
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.exact import FIELD
from agent_memory_server.adapters.redis.index import IndexOptions
from agent_memory_server.adapters.redis.record_fields import READ, fields_of, missing_from, stored_from
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.step import Step

_REVISION = READ.index("revision_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """How far it is.

    seen:      keys looked at, of about `total`.
    rewritten: records that were written as we write them. current: those that were so already.
    moved:     of the rewritten ones, those that now lie under the key of their id.
    debris:    hashes without a text or an id. conflicts: records whose id another one holds. Both were left alone.
    """

    seen: int = 0
    total: int = 0
    rewritten: int = 0
    current: int = 0
    moved: int = 0
    debris: int = 0
    conflicts: int = 0


async def rewrite(client: Redis, options: IndexOptions) -> AsyncIterator[Rewritten]:
    """Adopt and rewrite every record, batch by batch; servers may go on meanwhile. Raises: StartRefused."""
    adoption = await open_index(client, options)
    adopted = None
    async for adopted in adoption.walk():
        yield Rewritten(seen=adopted.seen, total=2 * max(adopted.total, adopted.seen))
    if adopted is None:
        return
    half = adopted.seen
    records = Records(client, prefix=options.prefix, index=options.name)
    seen = rewritten = current = 0
    async for page in adoption.pages():
        done, already = await _rewrite(client, records, options.prefix, page)
        seen, rewritten, current = seen + len(page), rewritten + done, current + already
        yield Rewritten(seen=half + seen, total=half + max(half, seen), rewritten=rewritten, current=current)
    yield Rewritten(
        seen=half + seen,
        total=half + seen,
        rewritten=rewritten,
        current=current,
        moved=adopted.moved,
        debris=adopted.debris,
        conflicts=adopted.conflicts,
    )


async def _rewrite(client: Redis, records: Records, prefix: str, page: Sequence[bytes]) -> tuple[int, int]:
    """How many of these records were rewritten, and how many were as we write them."""
    async with client.pipeline(transaction=False) as pipe:
        for key in page:
            pipe.execute_command("HMGET", key, *READ, FIELD)
        with translating():
            rows = await pipe.execute()
    current = 0
    steps = []
    for key, (*found, exact) in zip(page, rows, strict=True):
        stored = stored_from(found, (None, None))
        if stored is None or keys.record(prefix, stored.memory.id).encode() != key:
            continue
        memory = stored.memory
        fields = fields_of(memory)
        # One of ours that the other server changed since has tokens of what it was.
        if found[_REVISION] is not None and exact == str(fields[FIELD]).encode():
            current += 1
            continue
        steps.append(Step(id=memory.id, expected=memory.revision, fields=fields, drop=missing_from(fields)))
    if await records.change(steps):
        return len(steps), current
    # One of them was changed meanwhile: by that it is as we write it.
    return sum([await records.change([step]) for step in steps]), current
