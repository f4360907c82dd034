"""Scope numbers and ranges of row ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from agent_memory_server.adapters.sqlite.record_writer import put_records
from agent_memory_server.adapters.sqlite.rows import load
from agent_memory_server.adapters.sqlite.scope_numbers import scope_for_write
from agent_memory_server.adapters.sqlite.scopes import CURRENT_RIDS, LOCALS, scope_of, select
from agent_memory_server.domain.filters import EVERYTHING, Filter, Match, Op, TagField, TextField, only
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from tests.adapters.sqlite.records import NOW, check_in_step, open_file, rows, transaction, write


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = open_file(tmp_path)
    yield connection
    connection.close()


def _fill(connection: apsw.Connection, namespace: str, users: int) -> None:
    writes = [write(f"{namespace}/{n}", namespace=namespace, user_id=f"u{n}") for n in range(users)]
    with transaction(connection):
        put_records(connection, EVERYWHERE, writes, now=NOW)


def test_everything_is_one_range(connection: apsw.Connection) -> None:
    _fill(connection, "a", 3)
    selected = select(connection, EVERYWHERE, EVERYTHING)
    assert (selected.scopes, selected.ranges, selected.records, selected.words) == (None, (CURRENT_RIDS,), 3, 3)


def test_a_namespace_is_one_range_for_each_block_however_many_users_it_has(connection: apsw.Connection) -> None:
    for round_ in range(4):  # two namespaces growing side by side
        for namespace in ("a", "b"):
            writes = [
                write(f"{namespace}{round_}-{n}", namespace=namespace, user_id=f"{round_}-{n}") for n in range(250)
            ]
            with transaction(connection):
                put_records(connection, EVERYWHERE, writes, now=NOW)
    assert rows(connection, "SELECT size FROM blocks WHERE namespace = 'a' ORDER BY start") == [256, 512, 1024]
    selected = select(connection, Scope(frozenset({"a"})), EVERYTHING)
    assert len(selected.ranges) == 3
    assert selected.records == 1000
    assert selected.scopes is not None
    assert len(selected.scopes) == 1000
    check_in_step(connection)


def test_users_side_by_side_share_a_range(connection: apsw.Connection) -> None:
    _fill(connection, "a", 5)
    selected = select(connection, Scope(frozenset({"a"}), frozenset({"u1", "u2", "u4", "nobody"})), EVERYTHING)
    assert selected.scopes == (1, 2, 4)
    assert len(selected.ranges) == 2
    assert selected.records == 3


def test_conditions_on_other_fields_are_left(connection: apsw.Connection) -> None:
    _fill(connection, "a", 2)
    topic = only(TagField.TOPICS, "x")
    filter_ = Filter((only(TextField.USER_ID, "u1"), topic, Match(TextField.NAMESPACE, Op.NONE, ("b",))))
    selected = select(connection, EVERYWHERE, filter_)
    assert selected.rest == Filter((topic,))
    assert selected.scopes == (1,)


def test_nothing_is_left_of_an_unknown_user(connection: apsw.Connection) -> None:
    _fill(connection, "a", 2)
    selected = select(connection, Scope(None, frozenset({"nobody"})), EVERYTHING)
    assert (selected.scopes, selected.ranges, selected.records) == ((), (), 0)


def test_a_user_with_all_row_ids_used_gets_a_further_part_and_keeps_every_record(connection: apsw.Connection) -> None:
    _fill(connection, "a", 1)
    with transaction(connection):
        connection.execute("UPDATE scopes SET next_local = ?", (LOCALS - 1,))
        put_records(connection, EVERYWHERE, [write(f"n{n}", namespace="a", user_id="u0") for n in range(3)], now=NOW)
    assert rows(connection, "SELECT part FROM scopes ORDER BY scope") == [0, 1]
    selected = select(connection, Scope(frozenset({"a"}), frozenset({"u0"})), EVERYTHING)
    assert selected.records == 4
    found = load(connection, rows(connection, "SELECT rid FROM memories"))
    assert {memory.id for memory in found.values()} == {"a/0", "n0", "n1", "n2"}
    assert {scope_of(rid) for rid in found} == {0, 1}
    assert {memory.user_id for memory in found.values()} == {"u0"}
    check_in_step(connection)


def test_a_scope_is_made_once(connection: apsw.Connection) -> None:
    with transaction(connection):
        first = scope_for_write(connection, "a", "u")
        assert scope_for_write(connection, "a", "u") == first
        assert scope_for_write(connection, "a", "U") != first
