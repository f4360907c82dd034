"""A listing's two ways of reading give the same pages, and neither walks over the whole store."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_memory_server.adapters.sqlite import listing
from agent_memory_server.adapters.sqlite.listing import list_records
from agent_memory_server.adapters.sqlite.record_writer import put_records
from agent_memory_server.domain.filters import EVERYTHING, Filter, TagField, TextField, only
from agent_memory_server.domain.query import Order
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from tests.adapters.sqlite.records import NOW, open_file, transaction, write

USERS = ["", "a", "b", "c"]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    connection = open_file(tmp_path_factory.mktemp("data"))
    writes = [
        write(
            f"{n:03d}",
            namespace=f"n{n % 2}",
            user_id=USERS[n % 4],
            session_id=f"s{n % 7}",
            created_at=NOW + n % 11,
            topics=(f"t{n % 5}",),
        )
        for n in range(200)
    ]
    with transaction(connection):
        put_records(connection, EVERYWHERE, writes, now=NOW)
    yield connection
    connection.close()


grants = st.none() | st.frozensets(st.sampled_from(["n0", "n1", *USERS]), max_size=5)
filters = st.sampled_from(
    [EVERYTHING, Filter((only(TagField.TOPICS, "t1", "t2"),)), Filter((only(TextField.SESSION_ID, "s3"),))]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scope=st.builds(Scope, grants, grants),
    filter_=filters,
    order=st.sampled_from(Order),
    limit=st.integers(1, 60),
    offset=st.integers(0, 60),
)
def test_sorting_and_walking_give_the_same_pages(
    connection: apsw.Connection, scope: Scope, filter_: Filter, order: Order, limit: int, offset: int
) -> None:
    kept = listing.SORTED_RECORDS
    pages = []
    try:
        for listing.SORTED_RECORDS in (kept, -1):
            page = list_records(connection, scope, filter_, order=order, limit=limit, offset=offset)
            further = (
                list_records(connection, scope, filter_, order=order, limit=limit, cursor=page.cursor)
                if page.cursor
                else None
            )
            pages.append((page, further))
    finally:
        listing.SORTED_RECORDS = kept
    assert pages[0] == pages[1]


@pytest.mark.parametrize("order", Order)
def test_a_page_of_a_large_listing_is_read_along_an_index(connection: apsw.Connection, order: Order) -> None:
    plans: list[str] = []

    def watch(_: apsw.Cursor, sql: str, values: apsw.Bindings | None) -> bool:
        if sql.startswith("SELECT m.created_at"):
            plans.extend(row[3] for row in connection.cursor().execute("EXPLAIN QUERY PLAN " + sql, values))
        return True

    kept = listing.SORTED_RECORDS
    listing.SORTED_RECORDS = -1
    connection.exec_trace = watch
    try:
        list_records(connection, EVERYWHERE, EVERYTHING, order=order, limit=10)
    finally:
        connection.exec_trace = None
        listing.SORTED_RECORDS = kept
    assert plans
    assert "INDEX" in plans[0]
    assert plans[1:] in ([], ["USE TEMP B-TREE FOR LAST TERM OF ORDER BY"])
