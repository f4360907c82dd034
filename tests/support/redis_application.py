"""An application whose records, sessions, jobs and decisions another engine keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from agent_memory_server.adapters.redis.connection import open_client
from agent_memory_server.adapters.redis.decision_log import RedisDecisionLog
from agent_memory_server.adapters.redis.decisions import RedisDecisions
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.jobs import RedisJobs
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.session_index import SessionOptions, ensure_session_index
from agent_memory_server.adapters.redis.session_store import RedisSessionStore
from agent_memory_server.operations.application import Application


@asynccontextmanager
async def on_redis(app: Application, url: str, *, emptied: bool = True) -> AsyncIterator[Application]:
    """The application on a Redis, which is emptied first."""
    async with open_client(url) as client:
        if emptied:
            await client.flushall()
        records, sessions = IndexOptions(dimensions=app.embedder.dimensions), SessionOptions()
        await ensure_index(client, records)
        await ensure_session_index(client, sessions)
        store = RedisMemoryStore(client, records)
        yield replace(
            app,
            memories=store,
            restoring=store,
            sessions=RedisSessionStore(client, sessions, records),
            jobs=RedisJobs(client, "memory-server"),
            decisions=RedisDecisions(client),
            decision_log=RedisDecisionLog(client),
        )
