"""Migrations: fresh files, files of other versions, and many who start at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from agent_memory_server.adapters.sqlite.connection import FILE_NAME, open_writer
from agent_memory_server.adapters.sqlite.migrate import migrate, migrations, schema_version
from agent_memory_server.adapters.sqlite.session_folding import outgrown_sessions, uncounted_sessions
from agent_memory_server.adapters.sqlite.session_writer import find_head
from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.domain.session import SessionKey

PROCESSES = 4
NOW = 10.0
OPEN_AND_NOTE = """
import asyncio, sys
from pathlib import Path
from agent_memory_server.adapters.sqlite.database import Database, DataFolder

async def main(folder, name):
    database = await Database.open(DataFolder(path=Path(folder), dimensions=8))
    await database.write(lambda connection: connection.execute("INSERT INTO meta VALUES (?, 1)", (name,)))
    await database.close()

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    with closing(open_writer(tmp_path / FILE_NAME, dimensions=8, durability="full")) as connection:
        yield connection


def schema(connection: apsw.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").fetchall()


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_fresh_file_gets_the_newest_schema(connection: apsw.Connection) -> None:
    assert schema_version(connection) == 0
    migrate(connection)
    assert schema_version(connection) == migrations()[-1].number
    tables = {name for kind, name, *_ in schema(connection) if kind == "table"}
    assert {"meta", "memories", "vecs", "words", "fts", "sessions", "messages", "tokens", "answers"} <= tables
    assert connection.pragma("integrity_check") == "ok"
    assert connection.pragma("foreign_key_check") is None


def test_migrating_again_changes_nothing(connection: apsw.Connection) -> None:
    migrate(connection)
    before = schema(connection)
    connection.execute("INSERT INTO meta VALUES ('kept', 1)")
    migrate(connection)
    assert schema(connection) == before
    assert connection.execute("SELECT value FROM meta WHERE key = 'kept'").get == 1


def test_sessions_of_an_earlier_version_are_to_be_counted_and_know_who_spoke(connection: apsw.Connection) -> None:
    for step in migrations()[:12]:
        connection.execute(step.sql)
    connection.pragma("user_version", 12)
    for sid, said in enumerate([("user", "Mel", "user"), ()], start=1):
        connection.execute(
            "INSERT INTO sessions(sid, namespace, user_id, session_id, revision, message_count, next_position, tokens, "
            "memories, strategy, strategy_config, created_at, updated_at, last_accessed) "
            "VALUES (?, 'n', 'u', ?, 1, ?, 3, 0, '[]', 'discrete', '{}', 1, 1, 1)",
            (sid, f"s{sid}", len(said)),
        )
        for position, role in enumerate(said):
            values = (sid, position, f"m{position}", role)
            connection.execute("INSERT INTO messages VALUES (?, ?, ?, ?, 'Hello.', 1, NULL, 0)", values)
    migrate(connection)
    assert uncounted_sessions(connection, now=NOW, limit=9) == [SessionKey("n", "u", "s1")]
    assert outgrown_sessions(connection, now=NOW, limit=9, after=None) == []
    head = find_head(connection, SessionKey("n", "u", "s1"), now=NOW)
    assert head is not None
    assert (head.held, head.session.speakers) == (None, ("user", "Mel"))


def test_a_file_of_a_newer_server_is_refused_and_left_alone(connection: apsw.Connection) -> None:
    migrate(connection)
    connection.pragma("user_version", 9999)
    before = schema(connection)
    with pytest.raises(StartRefused, match="schema 9999"):
        migrate(connection)
    assert schema(connection) == before
    assert schema_version(connection) == 9999


def test_a_step_that_fails_leaves_the_file_as_it_was(connection: apsw.Connection) -> None:
    connection.execute("CREATE TABLE vector_cache(in_the_way)")
    before = schema(connection)
    with pytest.raises(apsw.SQLError, match="vector_cache"):
        migrate(connection)
    assert not connection.in_transaction
    assert schema(connection) == before
    assert schema_version(connection) == 0


def test_processes_that_start_at_once_on_a_new_folder_all_succeed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN_AND_NOTE, str(tmp_path / "data")]
    pipe = subprocess.PIPE
    started = [subprocess.Popen([*command, str(n)], stdin=pipe, stdout=pipe, stderr=pipe) for n in range(PROCESSES)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    errors = [process.communicate()[1].decode() for process in started]
    assert [process.returncode for process in started] == [0] * PROCESSES, errors
    with closing(apsw.Connection(str(tmp_path / "data" / FILE_NAME))) as connection:
        assert {key for (key,) in connection.execute("SELECT key FROM meta")} >= set(map(str, range(PROCESSES)))
        assert connection.pragma("integrity_check") == "ok"
