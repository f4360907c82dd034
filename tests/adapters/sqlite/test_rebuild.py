"""Everything derived from records can be made anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from agent_memory_server.adapters.sqlite import rebuild as module
from agent_memory_server.adapters.sqlite.connection import open_reader
from agent_memory_server.adapters.sqlite.rebuild import rebuild
from agent_memory_server.adapters.sqlite.record_writer import put_records
from agent_memory_server.domain.scope import EVERYWHERE
from tests.adapters.sqlite.records import NOW, check_in_step, open_file, rows, transaction, write

DAMAGES = {
    "no words": "DELETE FROM words",
    "an empty word index": "INSERT INTO fts(fts) VALUES ('delete-all')",
    "no sketches": "DELETE FROM sketch",
    "no tags": "DELETE FROM tags",
    "foreign tags": "INSERT INTO tags SELECT 1, 'foreign', rid FROM memories",
    "words without a record": "INSERT INTO words VALUES (99, x'01000000')",
    "an index entry without a record": "INSERT INTO fts(rowid, w) VALUES (99, 'tea')",
    "a vector without a record": "INSERT INTO vecs SELECT 99, v FROM vecs LIMIT 1",
    "a sketch without a record": "INSERT INTO sketch VALUES (99, x'00')",
    "wrong figures of scopes": "UPDATE scopes SET records = 7, words = 0",
    "wrong figures of blocks": "UPDATE blocks SET records = 7, words = 0",
    "wrong totals": "UPDATE meta SET value = 7 WHERE key IN ('records', 'words')",
    "a lost vector": "DELETE FROM vecs WHERE rid = (SELECT min(rid) FROM vecs)",
    "a damaged word index": "UPDATE fts_data SET block = x'00' WHERE id > 10",
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = open_file(tmp_path)
    writes = [
        write(f"{n}", f"tea number {n}", user_id=f"u{n % 3}", topics=("x", f"t{n}"), entities=("e",), vector=n % 4 > 0)
        for n in range(30)
    ]
    with transaction(connection):
        put_records(connection, EVERYWHERE, writes, now=NOW)
    yield connection
    connection.close()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damage_is_seen_by_the_check_and_mended_by_a_rebuild(connection: apsw.Connection, damage: str) -> None:
    connection.execute(damage)
    with pytest.raises((AssertionError, apsw.CorruptError)):
        check_in_step(connection)
    list(rebuild(connection))
    check_in_step(connection)


def test_progress_runs_from_nothing_to_all_and_others_read_and_write_between_the_steps(
    connection: apsw.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    other = open_file(tmp_path)
    reader = open_reader(tmp_path / "memory.db")
    seen = []
    for progress in rebuild(connection):
        seen.append((progress.done, progress.total))
        assert rows(reader, "SELECT count(*) FROM fts WHERE fts MATCH '\"tea\"'")[0] >= 30
        with transaction(other):
            put_records(other, EVERYWHERE, [write(f"meanwhile {len(seen)}", "tea meanwhile", user_id="a")], now=NOW)
    assert seen[0] == (0, 30)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (30, 30)
    other.close()
    reader.close()
    check_in_step(connection)


def test_caches_are_told_to_load_anew(connection: apsw.Connection) -> None:
    list(rebuild(connection))
    (pruned_to,) = rows(connection, "SELECT value FROM meta WHERE key = 'pruned_to'")
    assert rows(connection, "SELECT value FROM meta WHERE key = 'seq'") == [pruned_to]
