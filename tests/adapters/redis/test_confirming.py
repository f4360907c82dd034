"""Writes that replicas confirm before they count."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.connection import Limits, command, open_client
from agent_memory_server.adapters.redis.index import IndexOptions, ensure_index
from agent_memory_server.adapters.redis.jobs import RedisJobs
from agent_memory_server.adapters.redis.memory_store import RedisMemoryStore
from agent_memory_server.adapters.redis.tokens import RedisTokenStore
from agent_memory_server.domain.errors import StartRefused, Unavailable
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.token import Token
from agent_memory_server.ports.jobs import Job
from agent_memory_server.ports.memory_store import MemoryWrite
from tests.support.redis_processes import Node, redis_processes, until
from tests.support.redis_sentinel import AT_ONCE, follows

NOW = 1_790_000_000.0
INDEX = IndexOptions(dimensions=4)
LIMITS = Limits(replicas=1, wait_s=8, retries=0)
"""Long enough for a replica on a busy machine, so that what fails here is not confirmed."""
HASTY = Limits(replicas=1, wait_s=0.2, retries=0)
"""For a replica that is stopped anyway."""
VECTOR = np.array([1, 0, 0, 0], dtype=np.float32)


@dataclass
class Pair:
    primary: Node
    replica: Node

    def pause(self) -> None:
        """The replica hears nothing any more, while its connection stays."""
        self.replica.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.replica.process.send_signal(signal.SIGCONT)
        until(lambda: follows(self.replica, self.primary), "the replica follows again")


@pytest.fixture
def pair() -> Iterator[Pair]:
    with redis_processes() as processes:
        primary = processes.start("--save", "", *AT_ONCE)
        replica = processes.start("--save", "", "--replicaof", f"127.0.0.1 {primary.port}")
        until(lambda: follows(replica, primary), "the replica follows")
        yield Pair(primary, replica)


@pytest.fixture
async def client(pair: Pair) -> AsyncIterator[Redis]:
    async with open_client(pair.primary.url, LIMITS) as opened:
        await ensure_index(opened, INDEX)
        yield opened


@pytest.fixture
async def hasty(pair: Pair) -> AsyncIterator[Redis]:
    async with open_client(pair.primary.url, HASTY) as opened:
        yield opened


def write(id_: str, vector: bool = True) -> MemoryWrite:
    memory = Memory(id=id_, text=f"text of {id_}", created_at=NOW, updated_at=NOW, last_accessed=NOW)
    return MemoryWrite(memory=memory, vector=VECTOR if vector else None)


async def test_what_is_acknowledged_is_on_the_replica(pair: Pair, client: Redis) -> None:
    store = RedisMemoryStore(client, INDEX)
    for n in range(50):
        await store.put(EVERYWHERE, [write(f"m{n}", vector=False)], now=NOW)
        assert pair.replica.client.exists(f"memory_idx:m{n}")
    assert await store.set_vectors([(f"m{n}", 1, VECTOR) for n in range(50)]) == 50  # in a pipeline
    assert [pair.replica.client.hexists(f"memory_idx:m{n}", "vector") for n in range(50)] == [True] * 50
    await store.delete(EVERYWHERE, ["m7"])
    assert not pair.replica.client.exists("memory_idx:m7")


async def test_what_no_replica_confirms_is_refused_and_can_be_repeated(pair: Pair, client: Redis, hasty: Redis) -> None:
    store, other = RedisMemoryStore(client, INDEX), RedisMemoryStore(hasty, INDEX)
    await store.put(EVERYWHERE, [write("before", vector=False)], now=NOW)
    pair.pause()
    for refused in (
        other.put(EVERYWHERE, [write("after")], now=NOW),
        other.set_vectors([("before", 1, VECTOR)]),
        RedisTokenStore(hasty).add(Token(digest="d", description="", created_at=NOW)),
        other.ping(),
    ):
        with pytest.raises(Unavailable, match="0 of 1 replicas"):
            await refused
    pair.wake()
    await store.put(EVERYWHERE, [write("after")], now=NOW)
    assert pair.replica.client.exists("memory_idx:after")
    await store.ping()


async def test_a_primary_without_the_replicas_that_it_asks_for_takes_no_writes(pair: Pair, client: Redis) -> None:
    store = RedisMemoryStore(client, INDEX)
    pair.primary.client.config_set("min-replicas-to-write", 2)
    with pytest.raises(Unavailable, match="NOREPLICAS"):
        await store.put(EVERYWHERE, [write("m")], now=NOW)
    pair.primary.client.config_set("min-replicas-to-write", 0)
    assert await store.get(EVERYWHERE, ["m"]) == []


async def test_reads_and_the_queue_do_not_wait_for_replicas(pair: Pair, client: Redis) -> None:
    store, jobs = RedisMemoryStore(client, INDEX), RedisJobs(client, "q")
    await store.put(EVERYWHERE, [write("m")], now=NOW)
    pair.pause()
    assert [memory.id for memory in await store.get(EVERYWHERE, ["m"])] == ["m"]
    assert list(await store.vectors(["m"])) == ["m"]
    await jobs.add(Job(kind="work", key="k"), due=NOW)
    assert len(await jobs.claim(now=NOW, lease_s=30)) == 1
    assert await command(client, "DBSIZE") > 0
    pair.wake()


def test_a_cluster_is_refused() -> None:
    with pytest.raises(StartRefused, match="REDIS_WAIT_REPLICAS"):
        _ = open_client("redis+cluster://127.0.0.1:7000", LIMITS)
