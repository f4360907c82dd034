"""The data folder as a whole: opening, durability settings, reading what was written, closing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path

import apsw
import pytest

from agent_memory_server.adapters.sqlite.connection import FILE_NAME
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.domain.errors import StartRefused, Unavailable


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(DataFolder(path=tmp_path / "new" / "data", dimensions=8))
    try:
        yield database
    finally:
        await database.close()


def put(connection: apsw.Connection, key: str, value: int) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def value_of(connection: apsw.Connection, key: str) -> object:
    found: object = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).get
    return found


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_opening_makes_the_folder_for_its_owner_alone(database: Database) -> None:
    assert database.folder.file.exists()
    assert database.folder.path.stat().st_mode & 0o077 == 0


async def test_a_read_sees_every_completed_write(database: Database) -> None:
    for number in range(200):
        await database.write(partial(put, key="n", value=number))
        assert await database.read(lambda connection: value_of(connection, "n")) == number


async def test_a_second_database_on_the_folder_sees_every_completed_write(database: Database) -> None:
    other = await Database.open(database.folder)
    try:
        for number in range(50):
            writer, reader = (database, other) if number % 2 else (other, database)
            await writer.write(partial(put, key="n", value=number))
            assert await reader.read(lambda connection: value_of(connection, "n")) == number
    finally:
        await other.close()


async def test_more_reads_than_threads_are_all_answered(database: Database) -> None:
    await database.write(lambda connection: put(connection, "n", 7))
    answers = await asyncio.gather(*(database.read(lambda connection: value_of(connection, "n")) for _ in range(100)))
    assert answers == [7] * 100


async def test_a_reading_connection_cannot_write(database: Database) -> None:
    with pytest.raises(Unavailable):
        await database.read(lambda connection: put(connection, "n", 1))
    assert await database.read(lambda connection: value_of(connection, "n")) is None


async def test_a_read_that_fails_inside_a_transaction_leaves_none_open(tmp_path: Path) -> None:
    database = await Database.open(DataFolder(path=tmp_path, dimensions=8, reader_threads=1))

    def fail(connection: apsw.Connection) -> None:
        connection.execute("BEGIN")
        value_of(connection, "n")
        raise KeyError("n")

    with pytest.raises(KeyError):
        await database.read(fail)
    await database.write(lambda connection: put(connection, "n", 1))
    assert await database.read(lambda connection: (connection.in_transaction, value_of(connection, "n"))) == (False, 1)
    await database.close()


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("normal", 1)])
async def test_durability_is_what_was_asked_for(tmp_path: Path, durability: str, synchronous: int) -> None:
    database = await Database.open(DataFolder(path=tmp_path, dimensions=8, durability=durability))
    pragmas = await database.write(
        lambda connection: [connection.pragma(name) for name in ("synchronous", "journal_mode", "foreign_keys")]
    )
    assert pragmas == [synchronous, "wal", 1]
    await database.close()


@pytest.mark.parametrize(("dimensions", "page_size"), [(384, 4096), (768, 8192), (1024, 8192), (1536, 16384)])
async def test_wide_vectors_get_wide_pages(tmp_path: Path, dimensions: int, page_size: int) -> None:
    database = await Database.open(DataFolder(path=tmp_path, dimensions=dimensions))
    assert await database.read(lambda connection: connection.pragma("page_size")) == page_size
    await database.close()


async def test_closing_leaves_one_file_and_refuses_further_work(tmp_path: Path) -> None:
    database = await Database.open(DataFolder(path=tmp_path, dimensions=8))
    await database.write(lambda connection: put(connection, "n", 1))
    assert await database.read(lambda connection: value_of(connection, "n")) == 1
    await database.close()
    await database.close()
    with pytest.raises(Unavailable, match="closed"):
        await database.read(lambda connection: value_of(connection, "n"))
    with pytest.raises(Unavailable, match="closed"):
        await database.write(lambda connection: put(connection, "n", 2))
    assert names_in(tmp_path) == [FILE_NAME]
    with closing(apsw.Connection(str(tmp_path / FILE_NAME))) as connection:
        assert value_of(connection, "n") == 1


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StartRefused, match="MEMORY_DATA_DIR"):
        await Database.open(DataFolder(path=tmp_path / "file" / "data", dimensions=8))


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"something else altogether " * 1000)
    with pytest.raises(StartRefused, match="damaged"):
        await Database.open(DataFolder(path=tmp_path, dimensions=8))


async def test_a_file_of_a_newer_server_is_refused(tmp_path: Path) -> None:
    with closing(apsw.Connection(str(tmp_path / FILE_NAME))) as connection:
        connection.pragma("user_version", 9999)
    with pytest.raises(StartRefused, match="newer server"):
        await Database.open(DataFolder(path=tmp_path, dimensions=8))
