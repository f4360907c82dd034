"""What a deletion leaves for the caches of other processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from agent_memory_server.adapters.sqlite import record_change
from agent_memory_server.adapters.sqlite.record_writer import delete_records, put_records
from agent_memory_server.domain.scope import EVERYWHERE
from tests.adapters.sqlite.records import NOW, open_file, rows, transaction, write


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = open_file(tmp_path)
    yield connection
    connection.close()


def _put(connection: apsw.Connection, *ids: str, **fields: str) -> None:
    with transaction(connection):
        put_records(connection, EVERYWHERE, [write(id_, **fields) for id_ in ids], now=NOW)  # type: ignore[arg-type]


def test_each_change_has_a_greater_number_and_its_records_carry_it(connection: apsw.Connection) -> None:
    _put(connection, "a", "b")
    _put(connection, "b")
    assert rows(connection, "SELECT id, seq FROM memories ORDER BY id") == [("a", 1), ("b", 2)]
    assert rows(connection, "SELECT value FROM meta WHERE key = 'seq'") == [2]


def test_deleting_and_moving_leave_tombstones_and_replacing_does_not(connection: apsw.Connection) -> None:
    _put(connection, "a", "b", "c")
    before = dict(rows(connection, "SELECT id, rid FROM memories"))
    _put(connection, "a")
    _put(connection, "b", user_id="bob")
    with transaction(connection):
        delete_records(connection, EVERYWHERE, ["c"])
    assert rows(connection, "SELECT seq, rid FROM tombstones ORDER BY seq") == [(3, before["b"]), (4, before["c"])]
    after = dict(rows(connection, "SELECT id, rid FROM memories"))
    assert after["a"] == before["a"]
    assert after["b"] != before["b"]


def test_old_tombstones_go_and_the_file_says_up_to_where(
    connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_change, "KEPT_TOMBSTONES", 10)
    for round_ in range(record_change.PRUNE_EVERY + 2):
        _put(connection, f"{round_}")
        with transaction(connection):
            delete_records(connection, EVERYWHERE, [f"{round_}"])
    kept = rows(connection, "SELECT seq FROM tombstones ORDER BY seq")
    (pruned_to,) = rows(connection, "SELECT value FROM meta WHERE key = 'pruned_to'")
    assert len(kept) < record_change.PRUNE_EVERY
    assert pruned_to < kept[0]
