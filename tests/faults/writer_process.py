"""A process that writes through the stores and reports each acknowledged write on standard output, until it is killed.

Arguments: data folder, a name that no other run has, seed. Lines: `<what> <id>`, written after the acknowledgement;
`deleting <id>` alone is written before.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from random import Random
from typing import cast

import numpy as np

from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.memory_store import Ranker, SqliteMemoryStore
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, SessionKey
from agent_memory_server.ports.memory_store import MemoryWrite

DIMENSIONS = 16
NOW = 1_000.0
TASKS = 4


def report(what: str, id_: str) -> None:
    os.write(1, f"{what} {id_}\n".encode())


def memory_of(id_: str, user: str) -> Memory:
    return Memory(
        id=id_,
        text=f"record {id_} of {user} about gardens and tea",
        created_at=NOW,
        updated_at=NOW,
        last_accessed=NOW,
        user_id=user,
        topics=("garden", user),
    )


def write_of(memory: Memory, random: Random) -> MemoryWrite:
    vector = np.array([random.gauss(0, 1) for _ in range(DIMENSIONS)], dtype=np.float32)
    return MemoryWrite(memory=memory, vector=vector / np.linalg.norm(vector) if random.random() < 0.7 else None)


class Task:
    """One of several writers inside the process, with ids and a session of its own."""

    def __init__(self, database: Database, name: str, random: Random) -> None:
        self.memories = SqliteMemoryStore(database, cast("Ranker", None))  # nothing here searches
        self.sessions = SqliteSessionStore(database)
        self.name = name
        self.random = random
        self.alive: list[str] = []
        self.count = 0

    def fresh_id(self) -> str:
        self.count += 1
        return f"{self.name}.{self.count}"

    async def put(self) -> None:
        ids = [self.fresh_id() for _ in range(self.random.randint(1, 5))]
        writes = [write_of(memory_of(id_, self.name), self.random) for id_ in ids]
        await self.memories.put(EVERYWHERE, writes, now=NOW)
        for id_ in ids:
            report("memory", id_)
        self.alive += ids

    async def replace(self) -> None:
        if self.alive:
            id_ = self.random.choice(self.alive)
            await self.memories.put(EVERYWHERE, [write_of(memory_of(id_, "moved"), self.random)], now=NOW)
            report("moved", id_)

    async def delete(self) -> None:
        if self.alive:
            id_ = self.alive.pop(self.random.randrange(len(self.alive)))
            report("deleting", id_)
            await self.memories.delete(EVERYWHERE, [id_])
            report("deleted", id_)

    async def append(self) -> None:
        ids = [self.fresh_id() for _ in range(self.random.randint(1, 3))]
        key = SessionKey("", "shared", "session")
        messages = [Message(id=id_, role="user", content=f"turn {id_}", created_at=NOW) for id_ in ids]
        records = [write_of(memory_of(id_, self.name), self.random) for id_ in ids]
        await self.sessions.append(EVERYWHERE, key, messages, now=NOW, records=records)
        for id_ in ids:
            report("message", id_)
            report("memory", id_)

    async def run(self) -> None:
        while True:
            await self.random.choice([self.put, self.put, self.replace, self.delete, self.append])()


async def main(folder: str, name: str, seed: str) -> None:
    database = await Database.open(DataFolder(path=Path(folder), dimensions=DIMENSIONS))
    report("ready", name)
    async with asyncio.TaskGroup() as group:
        for number in range(TASKS):
            group.create_task(Task(database, f"{name}-{number}", Random(f"{seed}.{number}")).run())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
