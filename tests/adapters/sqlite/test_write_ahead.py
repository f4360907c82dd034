"""When the log is copied into the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from agent_memory_server.adapters.sqlite.connection import open_reader, open_writer
from agent_memory_server.adapters.sqlite.write_ahead import WriteAheadLog

BLOB = 100_000
DUE = 1_000_000
IDLE = 300_000


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    with closing(open_writer(tmp_path / "memory.db", dimensions=8, durability="full")) as connection:
        connection.execute("CREATE TABLE blobs(b)")
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        yield connection


@pytest.fixture
def log(connection: apsw.Connection) -> WriteAheadLog:
    log = WriteAheadLog(due_bytes=DUE, idle_bytes=IDLE)
    log.follow(connection)
    return log


def fill(connection: apsw.Connection, blobs: int) -> None:
    for _ in range(blobs):
        connection.execute("INSERT INTO blobs VALUES (zeroblob(?))", (BLOB,))


def in_file(tmp_path: Path) -> int:
    """Bytes of the file itself: it grows only when the log is copied."""
    return (tmp_path / "memory.db").stat().st_size


def test_nothing_is_copied_within_a_commit(connection: apsw.Connection, log: WriteAheadLog, tmp_path: Path) -> None:
    before = in_file(tmp_path)
    fill(connection, 100)  # SQLite's own rule would copy after 4 MB
    assert in_file(tmp_path) == before
    assert log.copy_when_due(connection)
    assert in_file(tmp_path) > before + 100 * BLOB


def test_it_is_copied_once_enough_is_in_it_and_sooner_while_nobody_writes(
    connection: apsw.Connection, log: WriteAheadLog, tmp_path: Path
) -> None:
    before = in_file(tmp_path)
    fill(connection, 2)
    assert not log.copy_when_due(connection, idle=True)
    fill(connection, 2)
    assert not log.copy_when_due(connection)
    assert in_file(tmp_path) == before
    assert log.copy_when_due(connection, idle=True)
    assert in_file(tmp_path) > before + 4 * BLOB


def test_what_was_copied_does_not_count_again(connection: apsw.Connection, log: WriteAheadLog) -> None:
    for _ in range(3):
        fill(connection, 12)
        assert log.copy_when_due(connection)
        assert not log.copy_when_due(connection, idle=True)
        fill(connection, 1)  # the log begins anew
        assert not log.copy_when_due(connection, idle=True)


def test_a_reader_in_the_midst_holds_up_nothing_and_what_it_needs_is_copied_later(
    connection: apsw.Connection, log: WriteAheadLog, tmp_path: Path
) -> None:
    before = in_file(tmp_path)
    with closing(open_reader(tmp_path / "memory.db")) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM blobs").get == 0
        fill(connection, 12)
        assert log.copy_when_due(connection)
        assert in_file(tmp_path) == before
        assert reader.execute("SELECT count(*) FROM blobs").get == 0
        reader.execute("COMMIT")
    assert log.copy_when_due(connection)
    assert in_file(tmp_path) > before + 12 * BLOB
