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
from agent_memory_server.adapters.redis.adoption import open_index
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.index import IndexOptions, create_index
from agent_memory_server.adapters.redis.shards import Shard, shards_of
from agent_memory_server.domain.errors import Conflict, Unavailable

_POLL_S = 0.2
_LEASE_MS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """How many records the new index knows, of how many."""

    done: int
    total: int


async def rebuild(client: Redis, options: IndexOptions) -> AsyncIterator[Rebuilt]:
    """Make the index again, step by step, after every record has the fields that it is searched by.

    Raises: Conflict, when another process does; StartRefused; Unavailable.
    """
    await (await open_index(client, options)).run()
    lease = _Lease(client, keys.rebuild_lease(options.name))
    if not await lease.taken():
        raise Conflict("another process is building the index again; wait until it is done")
    try:
        shards = await shards_of(client, options.name).existing()
        known = [await _known(shard.client, shard.name) for shard in shards]
        before = 0
        for shard in shards:
            done = 0
            async for done in _rebuild(shard, options, lease):
                yield Rebuilt(done=before + done, total=max(sum(known), before + done))
            before += done
        yield Rebuilt(done=before, total=before)
    finally:
        await lease.given_back()


class _Lease:
    """Who is at it, for as long as that lives."""

    def __init__(self, client: Redis, name: str) -> None:
        self._client, self._name, self._own = client, name, secrets.token_hex(8)

    async def taken(self) -> bool:
        return await command(self._client, "SET", self._name, self._own, "NX", "PX", str(_LEASE_MS)) is not None

    async def held(self) -> None:
        await command(self._client, "SET", self._name, self._own, "XX", "PX", str(_LEASE_MS))

    async def given_back(self) -> None:
        await command(self._client, "DEL", self._name)


async def _rebuild(shard: Shard, options: IndexOptions, lease: _Lease) -> AsyncIterator[int]:
    """Of one shard: how many records the new index knows; at last when it is in place."""
    client = shard.client
    current = (await command(client, "FT.INFO", shard.name))[b"index_name"].decode()
    base, brace, tag = shard.name.partition("{")
    names = [f"{base.removesuffix(':a').removesuffix(':b')}:{letter}{brace}{tag}" for letter in "ab"]
    fresh = next(name for name in names if name != current)
    await _drop(client, fresh)  # one that was left half-made
    await create_index(client, replace(options, name=fresh), loads=shard.loads)
    while True:
        info = await command(client, "FT.INFO", fresh)
        if not int(info[b"indexing"]):
            break
        yield int(info[b"num_docs"])
        await asyncio.sleep(_POLL_S)
        await lease.held()
    if shard.loads:
        await _put_in_place(client, shard.name, current, fresh)
        names.remove(fresh)
    else:  # on a shard of a cluster any of the names will do
        names = [name for name in (current, *names) if name != fresh]
    for name in names:
        await _drop(client, name)
    yield int(info[b"num_docs"])


async def _known(client: Redis, name: str) -> int:
    return int((await command(client, "FT.INFO", name))[b"num_docs"])


async def _put_in_place(client: Redis, name: str, current: str, fresh: str) -> None:
    """In one step, so that there is never no index, and never one that knows a part."""
    async with client.pipeline(transaction=True) as pipe:
        if current == name:
            pipe.execute_command("FT.DROPINDEX", name)
        pipe.execute_command("FT.ALIASUPDATE", name, fresh)
        with translating():
            await pipe.execute()


async def _drop(client: Redis, name: str) -> None:
    """Drop an index, if there is one of this name; its records stay."""
    with suppress(Unavailable):
        await command(client, "FT.DROPINDEX", name)
