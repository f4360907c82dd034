"""Appending a message costs the same at message 10 and 2,000, and no text is embedded twice. Counted, not timed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import numpy as np
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.session_store import RedisSessionStore
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.interfaces.worker.upkeep import Pace
from tests.support.outage import embedder_of, moody_service
from tests.support.rest import Json, Server, answered, serving
from tests.support.waiting import until

S = "/v1/working-memory/s"
STEP = 10


def turn(number: int) -> Json:
    return {"role": "user", "content": f"message {number:05} of many", "created_at": "2026-01-31T12:00:00Z"}


async def append(server: Server, *numbers: int) -> httpx2.Response:
    response = await server.http.post(f"{S}/messages", json={"messages": [turn(n) for n in numbers]})
    answered(response)
    return response


class Work:
    """Steps of the database's virtual machine, in units of STEP, and rows changed; on Redis commands, those of scripts
    among them, and bytes of answers."""

    def __init__(self) -> None:
        self.steps = 0
        self.rows = 0

    def count(self) -> bool:
        self.steps += 1
        return False


async def told_by(client: Redis) -> tuple[int, int]:
    calls = sum(each["calls"] for each in (await command(client, "INFO", "commandstats")).values())
    sent = (await command(client, "INFO", "stats"))["total_net_output_bytes"]
    return calls, sent


@asynccontextmanager
async def counted(server: Server) -> AsyncIterator[Work]:
    store, work = server.app.sessions, Work()
    if isinstance(store, RedisSessionStore):
        commands, answered = await told_by(store._client)
        yield work
        after = await told_by(store._client)
        work.steps, work.rows = after[0] - commands, after[1] - answered
        return
    assert isinstance(store, SqliteSessionStore)
    database = store._database
    before = await database.write(lambda connection: connection.total_changes())
    await database.write(lambda connection: connection.set_progress_handler(work.count, STEP))
    try:
        yield work
    finally:
        await database.write(lambda connection: connection.set_progress_handler(None))
        work.rows = await database.write(lambda connection: connection.total_changes()) - before


async def test_an_append_does_the_same_work_however_long_the_session_is(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await append(server, *range(10))
        async with counted(server) as early:
            sizes_early = [len((await append(server, n)).content) for n in range(10, 30)]
        for start in range(30, 2000, 100):
            await append(server, *range(start, start + 100))
        async with counted(server) as late:
            sizes_late = [len((await append(server, n)).content) for n in range(2000, 2020)]
    assert early.steps > 0
    assert late.rows <= 1.1 * early.rows
    assert late.steps <= 1.25 * early.steps
    assert max(sizes_late) - min(sizes_early) < 20


async def test_no_text_is_embedded_twice(tmp_path: Path) -> None:
    pace = Pace(owed_s=0.02, access_s=60)
    async with moody_service() as service:
        async with serving(tmp_path, embedder=await embedder_of(service), pace=pace) as server:

            async def embedded() -> bool:
                return (await server.app.memories.stats()).unembedded == 0

            messages: list[Json] = []
            for number in range(15):
                messages.append({**turn(number), "id": f"m{number}"})
                answered(await server.http.put(S, json={"messages": messages}))
                await append(server, 100 + number)
                messages.append({**turn(100 + number), "id": f"x{number}"})
            await until(embedded)
            for _ in range(3):
                await server.search("which message")
                answered(await server.http.patch("/v1/long-term-memory/m1", json={"topics": ["t"]}))
                answered(
                    await server.http.patch("/v1/long-term-memory/m1", json={"text": "user: message 00001 of many"})
                )
            await until(embedded)
        assert len(service.texts) == len(set(service.texts))


async def test_reading_the_latest_messages_reads_no_others(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        sizes = []
        for start in (0, 1000):
            await append(server, *range(start, start + 1000))
            read = await server.http.get(S, params={"recent_messages_limit": 5})
            assert len(answered(read)["messages"]) == 5
            sizes.append(len(read.content))
    assert np.ptp(sizes) < 20
