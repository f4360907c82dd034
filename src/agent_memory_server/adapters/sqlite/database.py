"""The data folder: one file, one writing thread, a pool of reading threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import apsw

from agent_memory_server.adapters.sqlite.connection import FILE_NAME, open_reader, open_writer
from agent_memory_server.adapters.sqlite.errors import refusing_start
from agent_memory_server.adapters.sqlite.guard import check_filesystem, check_sqlite_version
from agent_memory_server.adapters.sqlite.loop_reader import LoopReader
from agent_memory_server.adapters.sqlite.migrate import migrate
from agent_memory_server.adapters.sqlite.readers import Readers
from agent_memory_server.adapters.sqlite.writer import Writer
from agent_memory_server.domain.errors import StartRefused

T = TypeVar("T")
_READER_THREADS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFolder:
    """Where the data is and how it is written. durability: "full" or "normal" (see `connection.open_writer`)."""

    path: Path
    dimensions: int
    durability: str = "full"
    reader_threads: int = min(_READER_THREADS, os.cpu_count() or 1)

    @property
    def file(self) -> Path:
        """The database file."""
        return self.path / FILE_NAME


class Database:
    """Open data folder: `write` inside durable group commits, `read` on the latest committed state."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self._writer = Writer(
            folder.file, partial(open_writer, folder.file, dimensions=folder.dimensions, durability=folder.durability)
        )
        self._readers = Readers(partial(open_reader, folder.file), threads=folder.reader_threads)
        self._loop_reader = LoopReader(partial(open_reader, folder.file))

    @classmethod
    async def open(cls, folder: DataFolder) -> Database:
        """Check, create and migrate the file, and start the threads. Raises: StartRefused, with the remedy."""
        await asyncio.to_thread(prepare, folder)
        database = cls(folder)
        database._writer.start()
        database._readers.start()
        with refusing_start():
            await asyncio.to_thread(database._loop_reader.open)
        return database

    async def write(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` in a transaction; the result means its changes are durable. See `Writer.write`."""
        return await self._writer.write(work)

    async def read(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` on a reading connection. See `Readers.read`."""
        return await self._readers.read(work)

    def read_at_once(self, work: Callable[[apsw.Connection], T | None]) -> T | None:
        """Run `work`, a fraction of a millisecond, here and now. None: declined, `read` it. See `LoopReader.read`."""
        return self._loop_reader.read(work)

    def size_bytes(self) -> int:
        """Bytes on disk: the file and its log."""
        log = self.folder.file.with_name(self.folder.file.name + "-wal")
        return sum(path.stat().st_size for path in (self.folder.file, log) if path.exists())

    async def close(self) -> None:
        """Finish queued work and close the connections. Idempotent."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._loop_reader.close()
        self._writer.close()
        self._readers.close()


def prepare(folder: DataFolder) -> None:
    """Check, create and migrate the file of a data folder. Raises: StartRefused, with the remedy."""
    check_sqlite_version()
    try:
        folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise StartRefused(
            f"the data folder {folder.path} cannot be created: {exc.strerror}; "
            "set MEMORY_DATA_DIR to a folder that can be written"
        ) from exc
    check_filesystem(folder.path)
    with refusing_start():
        connection = open_writer(folder.file, dimensions=folder.dimensions, durability=folder.durability)
        try:
            migrate(connection)
        finally:
            connection.close()
