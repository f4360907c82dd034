"""The index made again beside the one that is in use, and put in its place when it is whole.

Requests are answered from the old one until then. Afterwards its name stands for the new one (an alias), so stopping at
any point leaves an index that knows every record.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.index import IndexOptions, create_index, ensure_index
from agent_memory_server.domain.errors import Conflict, Unavailable

_POLL_S = 0.2
_LEASE_MS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """How many records the new index knows, of how many."""

    done: int
    total: int


async def rebuild(client: Redis, options: IndexOptions) -> AsyncIterator[Rebuilt]:
    """Make the index again, step by step. Raises: Conflict, when another process does; StartRefused; Unavailable."""
    await ensure_index(client, options)
    own = secrets.token_hex(8)
    lease = keys.rebuild_lease(options.name)
    if await command(client, "SET", lease, own, "NX", "PX", str(_LEASE_MS)) is None:
        raise Conflict("another process is building the index again; wait until it is done")
    try:
        current = (await command(client, "FT.INFO", options.name))[b"index_name"].decode()
        fresh = next(name for name in _names(options.name) if name != current)
        await _drop(client, fresh)  # one that was left half-made
        await create_index(client, replace(options, name=fresh))
        total = int((await command(client, "FT.INFO", options.name))[b"num_docs"])
        while True:
            info = await command(client, "FT.INFO", fresh)
            if not int(info[b"indexing"]):
                break
            yield Rebuilt(done=min(int(info[b"num_docs"]), total), total=total)
            await asyncio.sleep(_POLL_S)
            await command(client, "SET", lease, own, "XX", "PX", str(_LEASE_MS))
        await _put_in_place(client, options.name, current, fresh)
        done = int(info[b"num_docs"])
        yield Rebuilt(done=done, total=done)
    finally:
        await command(client, "DEL", lease)


def _names(name: str) -> tuple[str, str]:
    return f"{name}:a", f"{name}:b"


async def _put_in_place(client: Redis, name: str, current: str, fresh: str) -> None:
    """In one step, so that there is never no index, and never one that knows a part."""
    async with client.pipeline(transaction=True) as pipe:
        if current == name:
            pipe.execute_command("FT.DROPINDEX", name)
        pipe.execute_command("FT.ALIASUPDATE", name, fresh)
        with translating():
            await pipe.execute()
    for other in _names(name):
        if other != fresh:
            await _drop(client, other)


async def _drop(client: Redis, name: str) -> None:
    """Drop an index, if there is one of this name; its records stay."""
    with suppress(Unavailable):
        await command(client, "FT.DROPINDEX", name)
