"""A database of the Redis Agent Memory Server: served at once, and migrated by command, also when that is killed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from agent_memory_server.adapters.redis.connection import open_client
from tests.support.processes import BOUND_S, command, environment, run, serving
from tests.support.redis_processes import Node, redis_processes
from tests.support.reference_database import ReferenceDatabase, older_record, record, session

MANY = 2_000
ENV = {
    "EMBEDDING_MODEL": "deterministic",
    "EMBEDDING_DIMENSIONS": "8",
    "ENABLE_DISCRETE_MEMORY_EXTRACTION": "false",
}


@pytest.fixture
def node() -> Iterator[Node]:
    with redis_processes() as started:
        yield started.start()


def written(node: Node, write: Callable[[ReferenceDatabase], Awaitable[None]]) -> Mapping[str, str]:
    """Write a database of the reference server; the settings of ours for it."""

    async def fill() -> None:
        async with open_client(node.url) as client:
            await write(ReferenceDatabase(client))

    asyncio.run(fill())
    return {**ENV, "REDIS_URL": node.url}


async def usual(reference: ReferenceDatabase) -> None:
    await reference.add_older_index()
    await reference.add(
        older_record("m1", "Ann likes green tea", user_id="ann", namespace="team"),
        record("m2", "Ann moved to Oslo", user_id="ann", namespace="team", topics="moving"),
        record("m3", "Bob likes coffee", user_id="bob", namespace="team"),
    )
    await reference.add_hash("half", {"access_count": "3"})
    await reference.add_session("working_memory:team:ann:s1", session("s1", namespace="team", user_id="ann"))
    await reference.add_string_session("working_memory:team:ann:s2", session("s2", namespace="team", user_id="ann"))
    await reference.add_string_session("working_memory:x:y", session("y"))
    await reference.add_surroundings()


def test_it_is_served_as_it_is(node: Node, folder: Path) -> None:
    env = written(node, usual)
    with serving(folder, "--task-backend", "asyncio", env=env) as server, server.client() as client:
        asked = {"text": "tea", "user_id": {"eq": "ann"}, "search_mode": "keyword"}
        found = client.post("/v1/long-term-memory/search", json=asked).json()
        assert [memory["id"] for memory in found["memories"]] == ["m1"]
        assert found["memories"][0]["topics"] == ["tea", "green tea"]
        every = client.post("/v1/long-term-memory/search", json={"text": "", "limit": 10}).json()
        assert every["total"] == 3
        for name in ("s1", "s2"):
            place = {"namespace": "team", "user_id": "ann"}
            told = client.get(f"/v1/working-memory/{name}", params=place).json()
            assert [message["content"] for message in told["messages"]] == ["I like tea"]
        changed = client.patch("/v1/long-term-memory/m3", json={"text": "Bob likes espresso"})
        assert changed.json()["text"] == "Bob likes espresso"
        assert client.delete("/v1/long-term-memory", params={"memory_ids": ["m2"]}).status_code == 200
        assert client.get("/v1/long-term-memory/m2").status_code == 404


def test_memories_are_migrated_by_command_and_counted_truly(node: Node, folder: Path) -> None:
    env = written(node, usual)
    done = run(folder, "migrate-memories", "--json", env=env)
    assert json.loads(done.stdout) == {"rewritten": 3, "current": 0, "moved": 0, "conflicts": 0, "debris": 1}
    assert node.client.hget("memory_idx:m1", "topics") == b"tea,green tea"
    again = run(folder, "migrate-memories", env=env)
    assert "Wrote 0 memories anew; 3 were up to date." in again.stdout


def test_sessions_are_converted_and_what_is_ambiguous_is_named(node: Node, folder: Path) -> None:
    env = written(node, usual)
    trial = json.loads(run(folder, "migrate-working-memory", "--dry-run", "--json", env=env).stdout)
    assert (trial["found"], trial["converted"], trial["unresolved"]) == (2, 1, ["working_memory:x:y"])
    assert node.client.type("working_memory:team:ann:s2") == b"string"
    done = run(folder, "migrate-working-memory", "--batch-size", "1", env=env)
    assert "Converted 1 of 2 sessions kept as text." in done.stdout
    assert "working_memory:x:y" in done.stderr
    assert node.client.type("working_memory:team:ann:s2") == b"ReJSON-RL"
    assert node.client.type("working_memory:x:y") == b"string"


def test_invalid_records_are_listed_and_deleted(node: Node, folder: Path) -> None:
    env = written(node, usual)
    trial = run(folder, "delete", "memory", "--invalid", "--dry-run", env=env)
    assert trial.stdout.splitlines() == ["memory_idx:half", "Would delete 1 invalid records."]
    assert run(folder, "delete", "memory", "--invalid", "-f", env=env).returncode == 0
    assert not node.client.exists("memory_idx:half")
    assert node.client.exists("memory_idx:m1", "memory_idx:m2", "memory_idx:m3") == 3
    assert "No invalid records." in run(folder, "delete", "memory", "--invalid", "-f", env=env).stdout


def test_without_redis_there_is_nothing_to_migrate(folder: Path) -> None:
    for name in ("migrate-memories", "migrate-working-memory"):
        done = run(folder, name, env={"REDIS_URL": ""})
        assert (done.returncode, "REDIS_URL is not set" in done.stderr) == (1, True)


async def many(reference: ReferenceDatabase) -> None:
    await reference.add_older_index()
    await reference.add(*(older_record(f"m{n}", f"tea {n}", user_id="ann") for n in range(MANY)))


def test_a_migration_that_is_killed_half_way_is_run_again(node: Node, folder: Path) -> None:
    env = written(node, many)
    work = folder.parent / "elsewhere"
    work.mkdir()
    migrating = subprocess.Popen(command("migrate-memories"), env=environment(folder, env), cwd=work)
    end = time.monotonic() + BOUND_S
    while not node.client.hexists("memory_idx:m0", "exact_"):
        assert time.monotonic() < end
        time.sleep(0.001)
    migrating.kill()
    migrating.wait()
    done = json.loads(run(folder, "migrate-memories", "--json", env=env).stdout)
    assert done["rewritten"] + done["current"] == MANY
    with node.client.pipeline(transaction=False) as pipe:
        for n in range(MANY):
            pipe.hmget(f"memory_idx:m{n}", "topics", "revision_", "text")
        rows = pipe.execute()
    assert all(row == [b"tea,green tea", b"1", f"tea {n}".encode()] for n, row in enumerate(rows))
