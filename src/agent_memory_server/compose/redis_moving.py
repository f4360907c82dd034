"""Work on a database that another server wrote, and that an operator asks for. Imported when REDIS_URL is set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from agent_memory_server.adapters.redis.debris import Debris
from agent_memory_server.adapters.redis.model import stored_model
from agent_memory_server.adapters.redis.rewriting import Rewritten, rewrite
from agent_memory_server.adapters.redis.session_conversion import Converted, convert
from agent_memory_server.compose.engine import USUAL_DIMENSIONS, now
from agent_memory_server.compose.redis_engine import client_of, index_options
from agent_memory_server.domain.errors import NotFound, RequestRefused
from agent_memory_server.settings import Settings


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Redis]:
    if settings.redis.url is None:
        raise RequestRefused("REDIS_URL is not set; it names the database of the Redis Agent Memory Server")
    client = client_of(settings)
    try:
        yield client
    finally:
        await client.aclose()


async def migrating_memories(settings: Settings) -> AsyncIterator[Rewritten]:
    """Write memories of another server as this one writes them, step by step. Raises: NotFound, when there is no index;
    RequestRefused; Unavailable."""
    async with _connected(settings) as client:
        stored = await stored_model(client, index_options(settings, USUAL_DIMENSIONS))
        if stored is None:
            raise NotFound("no index in the Redis that REDIS_URL names; the first start of a server makes it")
        async for step in rewrite(client, index_options(settings, stored.dimensions)):
            yield step


async def migrating_sessions(settings: Settings, *, batch_size: int, trial: bool) -> AsyncIterator[Converted]:
    """Make documents of sessions kept as text, step by step. Raises: RequestRefused; Unavailable."""
    async with _connected(settings) as client:
        prefix = settings.redis.session_index_prefix
        async for step in convert(client, prefix, now=now(), batch_size=batch_size, trial=trial):
            yield step


async def invalid_records(settings: Settings) -> Sequence[str]:
    """Keys of hashes that are no memories. Raises: RequestRefused; Unavailable."""
    async with _connected(settings) as client:
        return await Debris(client, prefix=settings.redis.index_prefix).find()


async def drop_invalid(settings: Settings, names: Sequence[str]) -> int:
    """Delete such hashes; how many. Raises: RequestRefused; Unavailable."""
    async with _connected(settings) as client:
        return await Debris(client, prefix=settings.redis.index_prefix).drop(names)
