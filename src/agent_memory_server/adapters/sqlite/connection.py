"""One connection to the data folder's file, with the settings that durability and speed rest on."""

from __future__ import annotations

import time
from pathlib import Path

import apsw

from agent_memory_server.domain.errors import Unavailable

FILE_NAME = "memory.db"
BUSY_TIMEOUT_MS = 10_000
_MMAP_BYTES = 4 * 1024**3
_WRITER_CACHE_KIB = 65_536
_READER_CACHE_KIB = 16_384
_WAL_LIMIT_BYTES = 64 * 1024**2
_SWITCH_RETRY_S = 0.01
_NARROW_DIMENSIONS = 384


def page_size(dimensions: int) -> int:
    """Two 384-dimensional vectors fill most of 4096 bytes; wider ones get pages that hold two or more as well.

    A batch of records of many users changes pages all over the file, and each goes to disk whole: with 8192 bytes for
    384 dimensions a fifth less space is used, but storing such a batch writes two thirds more.
    """
    if dimensions <= _NARROW_DIMENSIONS:
        return 4096
    return 8192 if dimensions <= 1024 else 16384


def _open(path: Path, *, cache_kib: int) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    # Without it each new bound value may have its statement planned anew: a look-up by id costs 10 µs, not 1.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    for pragma in (
        f"mmap_size={_MMAP_BYTES}",
        f"cache_size=-{cache_kib}",
        "temp_store=MEMORY",
        "foreign_keys=ON",
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _use_wal(connection: apsw.Connection) -> None:
    # SQLite asks no busy handler while it switches a new file, so of several processes that start at once on one
    # folder some would fail: they wait here.
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            mode = connection.pragma("journal_mode", "wal")
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_SWITCH_RETRY_S)
            continue
        if mode != "wal":
            raise Unavailable(f"the data folder cannot hold a write-ahead log (journal mode stays {mode})")
        return


def open_writer(path: Path, *, dimensions: int, durability: str) -> apsw.Connection:
    """The connection that writes. durability: "full" syncs each commit; "normal" may lose the last commits in a
    power failure, not in a crash of the process. Creates the file."""
    connection = _open(path, cache_kib=_WRITER_CACHE_KIB)
    connection.execute(f"PRAGMA page_size={page_size(dimensions)}").fetchall()
    _use_wal(connection)
    connection.execute(f"PRAGMA synchronous={'FULL' if durability == 'full' else 'NORMAL'}").fetchall()
    connection.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT_BYTES}").fetchall()
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """A connection that only reads."""
    connection = _open(path, cache_kib=_READER_CACHE_KIB)
    connection.execute("PRAGMA query_only=ON").fetchall()
    return connection


def rolled_back(connection: apsw.Connection | None) -> apsw.Connection | None:
    """The connection, without an open transaction; None when it had to be given up."""
    try:
        if connection is not None and connection.in_transaction:
            connection.execute("ROLLBACK")
    except apsw.Error:
        if connection is not None:
            connection.close(True)
        return None
    return connection
