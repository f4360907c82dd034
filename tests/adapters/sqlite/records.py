"""An open file for the tests of records, and the check that everything derived from records is in step with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import numpy as np

from agent_memory_server.adapters.sqlite.connection import open_writer
from agent_memory_server.adapters.sqlite.migrate import migrate
from agent_memory_server.adapters.sqlite.scopes import FIRST_PAST_SCOPE
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.words import word_codes, words
from agent_memory_server.ports.memory_store import MemoryWrite

DIMENSIONS = 8
NOW = 1_700_000_000.0


def open_file(folder: Path) -> apsw.Connection:
    """A writing connection to an empty store."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = open_writer(folder / "memory.db", dimensions=DIMENSIONS, durability="normal")
    migrate(connection)
    return connection


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """One commit."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def write(id_: str, text: str = "tea", *, vector: bool = True, **fields: Any) -> MemoryWrite:
    """A write of a record with a vector made from its text."""
    times = {"created_at": NOW, "updated_at": NOW, "last_accessed": NOW}
    memory = Memory(id=id_, text=text, **(times | fields))
    made = np.random.default_rng(abs(hash(text)) % 2**32).standard_normal(DIMENSIONS).astype(np.float32)
    return MemoryWrite(memory=memory, vector=made / np.linalg.norm(made) if vector else None)


def rows(connection: apsw.Connection, sql: str, *values: Any) -> list[Any]:
    """All rows; bare values where a row has one column."""
    found = connection.execute(sql, values).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


def check_in_step(connection: apsw.Connection) -> None:
    """Every derived table says exactly what the records and vectors say."""
    memories = rows(connection, "SELECT rid, text, topics, entities, embedded FROM memories ORDER BY rid")
    rids = [row[0] for row in memories]
    assert rows(connection, "SELECT rid FROM vecs ORDER BY rid") == [row[0] for row in memories if row[4]]
    for rid, blob, bits in connection.execute("SELECT v.rid, v, b FROM vecs v LEFT JOIN sketch s ON s.rid = v.rid"):
        assert bits == np.packbits(np.frombuffer(blob, "<f4") > 0).tobytes(), rid
    assert rows(connection, "SELECT count(*) FROM sketch") == rows(connection, "SELECT count(*) FROM vecs")
    stored = dict(rows(connection, "SELECT rid, w FROM words"))
    assert stored == {row[0]: word_codes(words(row[1])).tobytes() for row in memories}
    assert rows(connection, "SELECT rowid FROM fts ORDER BY rowid") == rids
    for rid, text, *_ in memories:
        for word in set(words(text)):
            assert rid in rows(connection, "SELECT rowid FROM fts WHERE fts MATCH ?", f'"{word}"')
    connection.execute("INSERT INTO fts(fts) VALUES ('integrity-check')")
    tags = {
        (k, t, row[0]) for row in memories for k, held in ((1, row[2]), (2, row[3])) for t in json.loads(held or "[]")
    }
    assert set(rows(connection, "SELECT kind, tag, rid FROM tags")) == tags
    scopes = rows(connection, "SELECT scope, records, words, next_local FROM scopes ORDER BY scope")
    for scope, records, length, next_local in scopes:
        inside = [row for row in memories if row[0] >> 24 == scope]
        assert (records, length) == (len(inside), sum(len(words(row[1])) for row in inside))
        assert all(row[0] & (1 << 24) - 1 < next_local for row in inside)
    for start, size, used, records, length in rows(connection, "SELECT start, size, used, records, words FROM blocks"):
        inside = [row for row in scopes if start <= row[0] < start + size]
        assert (used, records, length) == (len(inside), sum(row[1] for row in inside), sum(row[2] for row in inside))
    names = ("records", "words", "past_records", "past_words")
    totals = {name: value for name, value in rows(connection, "SELECT key, value FROM meta") if name in names}
    past = [row for row in scopes if row[0] >= FIRST_PAST_SCOPE]
    now = [row for row in scopes if row[0] < FIRST_PAST_SCOPE]
    expected = (
        sum(row[1] for row in now),
        sum(row[2] for row in now),
        sum(r[1] for r in past),
        sum(r[2] for r in past),
    )
    assert tuple(totals.get(name, 0) for name in names) == expected
    assert expected[0] + expected[2] == len(memories)
