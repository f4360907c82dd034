"""A filter is answered along an index where one leads there, in a user's records and in everybody's."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest

from agent_memory_server.adapters.sqlite import matching
from agent_memory_server.adapters.sqlite.matching import count, matching_rids, range_conditions
from agent_memory_server.adapters.sqlite.record_writer import put_records
from agent_memory_server.adapters.sqlite.scopes import select
from agent_memory_server.domain.filters import (
    Condition,
    Filter,
    Match,
    Op,
    TagField,
    TextField,
    TimeField,
    TimeRange,
    only,
)
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from tests.adapters.sqlite.records import NOW, open_file, transaction, write

ONE_USER = Scope(frozenset({"n"}), frozenset({"u1"}))
RECENT = TimeRange(field=TimeField.CREATED_AT, low=NOW + 290)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    connection = open_file(tmp_path_factory.mktemp("data"))
    writes = [
        write(
            f"{n}",
            namespace="n",
            user_id=f"u{n % 3}",
            session_id=f"s{n % 50}" if n % 2 else "",
            created_at=NOW + n,
            topics=("all", f"t{n % 40}"),
        )
        for n in range(300)
    ]
    with transaction(connection):
        put_records(connection, EVERYWHERE, writes, now=NOW)
    yield connection
    connection.close()


def _plan(connection: apsw.Connection, scope: Scope, condition: Condition) -> str:
    selected = select(connection, scope, Filter((condition,)))
    sql, values = range_conditions(connection, selected)[0]
    steps = connection.execute(f"EXPLAIN QUERY PLAN SELECT m.rid FROM memories m WHERE {sql}", values)
    return "; ".join(row[3] for row in steps)


@pytest.mark.parametrize("scope", [EVERYWHERE, ONE_USER])
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (only(TextField.SESSION_ID, "s1", "s3"), "memories_session (session_id=?"),
        (only(TextField.MEMORY_TYPE, "message"), "memories_type (memory_type=?"),
        (only(TextField.ID, "7"), "(id=?"),
        (only(TagField.TOPICS, "t3"), "SEARCH tags USING PRIMARY KEY (kind=? AND tag=?"),
    ],
)
def test_a_value_is_looked_up(connection: apsw.Connection, scope: Scope, condition: Condition, expected: str) -> None:
    assert expected in _plan(connection, scope, condition)


@pytest.mark.parametrize("scope", [EVERYWHERE, Scope(frozenset({"n"}))])
def test_few_records_in_a_range_of_times_are_reached_by_time(
    connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch, scope: Scope
) -> None:
    monkeypatch.setattr(matching, "WIDE_RECORDS", 100)
    monkeypatch.setattr(matching, "FEW", 20)
    assert "memories_created (created_at>" in _plan(connection, scope, RECENT)
    assert "(created_at>" not in _plan(connection, scope, TimeRange(field=TimeField.CREATED_AT, low=NOW))


def test_a_small_users_times_are_read_from_that_users_records(connection: apsw.Connection) -> None:
    assert "INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in _plan(connection, ONE_USER, RECENT)


@pytest.mark.parametrize("wide", [0, 1000])
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (RECENT, 3),
        (only(TextField.SESSION_ID, ""), 50),
        (only(TextField.SESSION_ID, "s1", ""), 52),
        (Match(TextField.SESSION_ID, Op.NONE, ("s1",)), 98),
        (only(TagField.TOPICS, "t1", "t2"), 5),
    ],
)
def test_the_way_taken_never_changes_what_is_found(
    connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch, wide: int, condition: Condition, expected: int
) -> None:
    monkeypatch.setattr(matching, "WIDE_RECORDS", wide)
    selected = select(connection, ONE_USER, Filter((condition,)))
    found = matching_rids(connection, selected)
    assert found is not None
    assert len(found) == count(connection, selected) == expected
