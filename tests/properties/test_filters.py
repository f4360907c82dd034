"""Filters compiled to SQL select exactly the records that `domain.filters.matches` selects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_memory_server.adapters.sqlite.connection import open_writer
from agent_memory_server.adapters.sqlite.filter_sql import where
from agent_memory_server.adapters.sqlite.matching import count, matching_rids
from agent_memory_server.adapters.sqlite.migrate import migrate
from agent_memory_server.adapters.sqlite.record_writer import put_records
from agent_memory_server.adapters.sqlite.rows import load
from agent_memory_server.adapters.sqlite.scopes import select
from agent_memory_server.domain.filters import (
    Condition,
    Filter,
    Match,
    Op,
    TagField,
    TextField,
    TimeField,
    TimeNot,
    TimeRange,
    ValidAt,
    matches,
)
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import MemoryWrite

ODD = ["", "a", "A", "ab", "a,b", "a|b", "a'b", 'a"b', "a%", "a_b", "%", "a\x00b", "a\x00c", "é", "e\u0301", "日本",
       "日", "\U0010ffff", "\U0010ffffa", "\ud7ff", "\ue000", "-@{}", "a b", " a", "*", "\\"]  # fmt: skip
texts = st.sampled_from(ODD) | st.text(max_size=3)
times = st.sampled_from([0.0, 1.0, 1.5, 1e9, 1e9 + 1e-6, -1.0]) | st.floats(-1e10, 1e10)
tags = st.lists(texts, max_size=3, unique=True).map(tuple)


@st.composite
def memories(draw: st.DrawFn) -> Memory:
    return Memory(
        id=draw(texts),
        text=draw(texts),
        created_at=draw(times),
        updated_at=0.0,
        last_accessed=draw(times),
        namespace=draw(texts),
        user_id=draw(texts),
        session_id=draw(texts),
        memory_type=draw(st.sampled_from(MemoryType)),
        topics=draw(tags),
        entities=draw(tags),
        event_date=draw(st.none() | times),
        extraction_strategy=draw(texts),
        memory_hash=draw(texts.filter(bool)),
    )


match_conditions = st.builds(
    Match,
    st.sampled_from([*TextField, *TagField]),
    st.sampled_from(Op),
    st.lists(texts | st.sampled_from(["semantic", "message"]), min_size=1, max_size=3).map(tuple),
)
conditions: st.SearchStrategy[Condition] = (
    match_conditions
    | st.builds(
        TimeRange,
        field=st.sampled_from(TimeField),
        low=st.none() | times,
        high=st.none() | times,
        low_inclusive=st.booleans(),
        high_inclusive=st.booleans(),
    )
    | st.builds(TimeNot, st.sampled_from(TimeField), times)
    | st.builds(ValidAt, times)
)
filters = st.builds(lambda found, past: Filter(tuple(found), past), st.lists(conditions, max_size=3), st.booleans())
grants = st.none() | st.frozensets(texts, max_size=4)
scopes = st.builds(Scope, grants, grants)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    folder: Path = tmp_path_factory.mktemp("data")
    connection = open_writer(folder / "memory.db", dimensions=4, durability="normal")
    migrate(connection)
    yield connection
    connection.close()


def _stored(connection: apsw.Connection, records: list[Memory]) -> list[Memory]:
    """Store these records; what is stored of them."""
    put_records(connection, EVERYWHERE, [MemoryWrite(memory=memory) for memory in records], now=0.0)
    rids = [row[0] for row in connection.execute("SELECT rid FROM memories")]
    return list(load(connection, rids).values())


many = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(records=st.lists(memories(), min_size=1, max_size=8), filter_=filters)
def test_a_filter_in_sql_selects_what_matches_selects(
    connection: apsw.Connection, records: list[Memory], filter_: Filter
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        stored = _stored(connection, records)
        condition, values = where(filter_)
        found = {row[0] for row in connection.execute(f"SELECT m.id FROM memories m WHERE {condition}", values)}
        assert found == {memory.id for memory in stored if matches(replace(filter_, past=True), memory)}
    finally:
        connection.execute("ROLLBACK")


@many
@given(records=st.lists(memories(), min_size=1, max_size=8), filter_=filters, scope=scopes)
def test_a_selection_holds_exactly_the_records_of_scope_and_filter(
    connection: apsw.Connection, records: list[Memory], filter_: Filter, scope: Scope
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        stored = _stored(connection, records)
        selected = select(connection, scope, filter_)
        rids = matching_rids(connection, selected)
        if rids is None:
            found = [
                rid
                for low, high in selected.ranges
                for (rid,) in connection.execute("SELECT rid FROM memories WHERE rid BETWEEN ? AND ?", (low, high))
            ]
            assert selected.records == len(found)
        else:
            found = rids.tolist()
            assert found == sorted(set(found))
        expected = {m.id for m in stored if scope.allows(m.namespace, m.user_id) and matches(filter_, m)}
        assert {memory.id for memory in load(connection, found).values()} == expected
        assert count(connection, selected) == len(expected) == len(found)
    finally:
        connection.execute("ROLLBACK")


def test_a_list_of_hundreds_of_values_is_compared_exactly(connection: apsw.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        names = ["", "a\x00b", "é", *(f"n{i}" for i in range(500))]
        records = [
            Memory(id=f"id{i}", text="t", created_at=0.0, updated_at=0.0, last_accessed=0.0, session_id=name)
            for i, name in enumerate(["", "a", "a\x00b", "a\x00c", "e", "é", "n7", "N7", "n700"])
        ]
        stored = _stored(connection, records)
        for op in (Op.ANY, Op.NONE):
            filter_ = Filter((Match(TextField.SESSION_ID, op, tuple(names)),))
            condition, values = where(filter_)
            found = {row[0] for row in connection.execute(f"SELECT m.id FROM memories m WHERE {condition}", values)}
            assert found == {memory.id for memory in stored if matches(filter_, memory)}
    finally:
        connection.execute("ROLLBACK")
