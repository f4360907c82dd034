"""Acknowledged is durable: processes that write are killed at random moments, and what they had reported is there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import cast

import apsw
import pytest

from agent_memory_server.adapters.sqlite.connection import FILE_NAME
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.memory_store import Ranker, SqliteMemoryStore
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import SessionKey
from tests.faults.writer_process import DIMENSIONS, NOW

PROGRAM = Path(__file__).with_name("writer_process.py")
KILLS = 20
LONGEST = 400
"""Reports after which a process is killed at the latest: about a third of a second of writing."""

CONSISTENT = {
    "every vector belongs to a record": "SELECT rid FROM vecs EXCEPT SELECT rid FROM memories WHERE embedded",
    "every embedded record has its vector": "SELECT rid FROM memories WHERE embedded EXCEPT SELECT rid FROM vecs",
    "vectors and sketches go together": """
        SELECT rid FROM (SELECT rid FROM vecs UNION ALL SELECT rid FROM sketch) GROUP BY rid HAVING count(*) <> 2""",
    "records and words go together": """
        SELECT rid FROM (SELECT rid FROM memories UNION ALL SELECT rid FROM words) GROUP BY rid HAVING count(*) <> 2""",
    "records and the word index go together": """
        SELECT rid FROM (SELECT rid FROM memories UNION ALL SELECT rowid FROM fts('record')) GROUP BY rid
        HAVING count(*) <> 2""",
    "tags belong to records": "SELECT rid FROM tags EXCEPT SELECT rid FROM memories",
    "scopes count their records": """
        SELECT scope FROM scopes WHERE records <> (SELECT count(*) FROM memories WHERE rid >> 24 = scope)""",
    "sessions count their messages": """
        SELECT sid FROM sessions WHERE message_count <> (SELECT count(*) FROM messages m WHERE m.sid = sessions.sid)
        OR next_position <> message_count""",
}


@dataclass(slots=True)
class Reported:
    """What processes said they had done."""

    memory: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    deleting: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    message: set[str] = field(default_factory=set)

    def add(self, lines: Sequence[bytes]) -> int:
        """Note the lines; how many they are."""
        for line in lines:
            what, id_ = line.decode().split()
            noted: set[str] = getattr(self, what)
            noted.add(id_)
        return len(lines)


class Process:
    """A writing process."""

    def __init__(self, folder: Path, name: str, seed: int) -> None:
        command = [sys.executable, str(PROGRAM), str(folder), name, str(seed)]
        self._errors = folder.with_name(f"{name}.errors")
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        (ready,) = self.reports(1)
        assert ready.startswith(b"ready")

    def reports(self, count: int) -> list[bytes]:
        """The next lines; waits for them."""
        assert self._process.stdout is not None
        lines = [self._process.stdout.readline() for _ in range(count)]
        assert all(lines), self._errors.read_text()
        return lines

    def kill(self) -> list[bytes]:
        """End it at once; what it still had reported. It must not have ended before, by an error."""
        early = self._process.poll()
        self._process.kill()
        assert self._process.stdout is not None
        with self._process.stdout as rest:
            lines = rest.readlines()
        self._process.wait()
        assert early is None, self._errors.read_text()
        return [line for line in lines if line.endswith(b"\n")]


def check_file(folder: Path) -> None:
    with closing(apsw.Connection(str(folder / FILE_NAME))) as connection:
        assert connection.pragma("integrity_check") == "ok"
        assert connection.pragma("foreign_key_check") is None
        connection.execute("INSERT INTO fts(fts, rank) VALUES('integrity-check', 1)")  # raises when it is damaged
        broken = {rule: rows for rule, sql in CONSISTENT.items() if (rows := connection.execute(sql).fetchall())}
        assert broken == {}


async def check_reports(folder: Path, reported: Reported) -> None:
    database = await Database.open(DataFolder(path=folder, dimensions=DIMENSIONS))
    try:
        found = {
            memory.id: memory
            for memory in await SqliteMemoryStore(database, cast("Ranker", None)).get(
                EVERYWHERE, sorted(reported.memory)
            )
        }
        session = await SqliteSessionStore(database).get(EVERYWHERE, SessionKey("", "shared", "session"), now=NOW)
    finally:
        await database.close()
    assert reported.memory - reported.deleting - found.keys() == set(), "acknowledged and lost"
    assert reported.deleted & found.keys() == set(), "deleted and back"
    assert {id_ for id_ in reported.moved - reported.deleting if found[id_].user_id != "moved"} == set()
    order = [message.id for message in session.messages] if session else []
    assert reported.message - set(order) == set(), "message acknowledged and lost"
    assert len(order) == len(set(order))


def kill_again_and_again(folder: Path, reported: Reported) -> int:
    lines = 0
    for number in range(KILLS):
        process = Process(folder, f"run{number}", number)
        lines += reported.add(process.reports(Random(number).randint(0, LONGEST)))
        lines += reported.add(process.kill())
        check_file(folder)
    return lines


def kill_one_of_two(folder: Path, reported: Reported) -> int:
    survivor = Process(folder, "survivor", 1_000)
    lines = 0
    for number in range(KILLS // 4):
        process = Process(folder, f"victim{number}", number)
        for _ in range(Random(number).randint(1, LONGEST // 10)):
            lines += reported.add(process.reports(5)) + reported.add(survivor.reports(5))
        lines += reported.add(process.kill())
        lines += reported.add(survivor.reports(20))  # it goes on
    lines += reported.add(survivor.kill())
    check_file(folder)
    return lines


@pytest.mark.parametrize("fault", [kill_again_and_again, kill_one_of_two], ids=lambda fault: fault.__name__)
async def test_nothing_that_a_killed_process_acknowledged_is_lost(
    tmp_path: Path, fault: Callable[[Path, Reported], int]
) -> None:
    reported = Reported()
    lines = await asyncio.to_thread(fault, tmp_path / "data", reported)
    assert lines > KILLS
    assert reported.deleted
    assert reported.moved
    await check_reports(tmp_path / "data", reported)
