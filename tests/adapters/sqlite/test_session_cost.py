"""What a turn of a conversation costs, counted in instructions of SQLite's virtual machine: no clock is involved."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.adapters.sqlite.session_writer import Append, append_messages, find_head, put_session
from agent_memory_server.adapters.sqlite.sql import queries
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, SessionKey

KEY = SessionKey("n", "u", "s")
LONG = 10_000


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(DataFolder(path=tmp_path, dimensions=8))
    try:
        yield database
    finally:
        await database.close()


def turns(first: int, count: int) -> list[Message]:
    return [Message(id=f"m{n}", role="user", content="words " * 10, created_at=float(n)) for n in range(first, count)]


def appending(messages: list[Message]) -> Callable[[apsw.Connection], object]:
    append = Append(messages=messages, ttl_seconds=60, strategy=None, records=())
    return lambda connection: append_messages(connection, EVERYWHERE, KEY, append, now=1.0)


def counted(work: Callable[[apsw.Connection], object]) -> Callable[[apsw.Connection], int]:
    """The work, answering how many instructions it took."""

    def counting(connection: apsw.Connection) -> int:
        steps = 0

        def count() -> bool:
            nonlocal steps
            steps += 1
            return False

        connection.set_progress_handler(count, 1)
        try:
            work(connection)
        finally:
            connection.set_progress_handler(None)
        return steps

    return counting


async def test_an_append_costs_the_same_in_a_short_and_in_a_long_session(database: Database) -> None:
    await database.write(appending(turns(0, 10)))
    short = await database.write(counted(appending(turns(10, 11))))
    await database.write(appending(turns(11, LONG)))
    long = await database.write(counted(appending(turns(LONG, LONG + 1))))
    assert long <= short * 1.1


async def test_reading_the_last_messages_costs_the_same_in_a_short_and_in_a_long_session(database: Database) -> None:
    def last_ten(connection: apsw.Connection) -> None:
        head = find_head(connection, KEY, now=1.0)
        assert head is not None
        assert len(connection.execute(queries("sessions")["last_messages"], (head.sid, 10)).fetchall()) == 10

    await database.write(appending(turns(0, 20)))
    short = await database.read(counted(last_ten))
    await database.write(appending(turns(20, LONG)))
    long = await database.read(counted(last_ten))
    assert long <= short * 1.1


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (turns(0, 101), 1),
        (turns(50, 100), 50),
        ([*turns(0, 99), replace(turns(99, 100)[0], persisted_at=5.0)], 1),
        (turns(0, 100), 0),
    ],
    ids=["one more", "first half gone", "one marked", "unchanged"],
)
async def test_a_put_writes_only_the_messages_that_differ(database: Database, wanted: list[Message], rows: int) -> None:
    await database.write(appending(turns(0, 100)))
    before = await SqliteSessionStore(database).get(EVERYWHERE, KEY, now=1.0)
    assert before is not None
    session = replace(before, messages=tuple(wanted))

    def changes(connection: apsw.Connection) -> int:
        start = connection.total_changes()
        put_session(connection, EVERYWHERE, session, now=1.0, if_revision=None, records=())
        return connection.total_changes() - start

    of_the_session_itself = 2
    assert await database.write(changes) == rows + of_the_session_itself
