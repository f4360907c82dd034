"""The MemoryStore port: listing by filter, offset and cursor. Every engine passes it."""

from __future__ import annotations

import base64

import pytest

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.filters import EVERYTHING, Filter, TagField, TextField, TimeField, TimeRange, only
from agent_memory_server.domain.query import Order
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import MemoryStore
from tests.contract.memories import NOW, write


@pytest.fixture
def memories(records: MemoryStore) -> MemoryStore:
    return records


async def _walk(memories: MemoryStore, order: Order, limit: int, scope: Scope = EVERYWHERE) -> list[str]:
    seen: list[str] = []
    cursor = None
    while True:
        page = await memories.list(scope, EVERYTHING, order=order, limit=limit, cursor=cursor)
        assert len(page.memories) <= limit
        seen += [found.id for found in page.memories]
        cursor = page.cursor
        if cursor is None:
            return seen


async def test_the_newest_come_first_and_ties_go_by_id(memories: MemoryStore) -> None:
    times = {"b": NOW, "a": NOW, "new": NOW + 1, "old": NOW - 1, "é": NOW}
    await memories.put(
        EVERYWHERE, [write(id_, created_at=at, user_id=f"u{n}") for n, (id_, at) in enumerate(times.items())], now=NOW
    )
    page = await memories.list(EVERYWHERE, EVERYTHING, limit=10)
    assert [found.id for found in page.memories] == ["new", "a", "b", "é", "old"]
    assert (page.total, page.cursor) == (5, None)


async def test_the_stored_order_is_by_id(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write(id_) for id_ in ("b", "é", "B", "a")], now=NOW)
    page = await memories.list(EVERYWHERE, EVERYTHING, order=Order.STORED, limit=10)
    assert [found.id for found in page.memories] == ["B", "a", "b", "é"]


async def test_offset_pages_are_slices_of_one_list_with_the_true_total(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write(f"{n:02d}", created_at=NOW - n) for n in range(25)], now=NOW)
    pages = [await memories.list(EVERYWHERE, EVERYTHING, limit=10, offset=offset) for offset in (0, 10, 20, 30)]
    assert [found.id for page in pages for found in page.memories] == [f"{n:02d}" for n in range(25)]
    assert {page.total for page in pages} == {25}


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("limit", [1, 3, 7, 8, 100])
async def test_a_walk_by_cursor_sees_every_record_once(memories: MemoryStore, order: Order, limit: int) -> None:
    writes = [write(f"{n}", created_at=NOW + n % 3, namespace=f"n{n % 2}", user_id=f"u{n % 5}") for n in range(20)]
    await memories.put(EVERYWHERE, writes, now=NOW)
    assert sorted(await _walk(memories, order, limit)) == sorted(one.memory.id for one in writes)
    inside = Scope(frozenset({"n0"}), frozenset({"u0", "u2"}))
    expected = [one.memory.id for one in writes if inside.allows(one.memory.namespace, one.memory.user_id)]
    assert sorted(await _walk(memories, order, limit, inside)) == sorted(expected)


@pytest.mark.parametrize("order", Order)
async def test_a_walk_misses_nothing_that_is_changed_moved_or_deleted_around_it(
    memories: MemoryStore, order: Order
) -> None:
    await memories.put(EVERYWHERE, [write(f"{n:02d}", created_at=NOW - n, user_id="alice") for n in range(20)], now=NOW)
    first = await memories.list(EVERYWHERE, EVERYTHING, order=order, limit=5)
    assert first.cursor is not None
    await memories.delete(EVERYWHERE, ["04", "07"])
    await memories.put(EVERYWHERE, [write("03", created_at=NOW - 3, user_id="bob")], now=NOW)
    await memories.put(EVERYWHERE, [write("15", created_at=NOW - 15, user_id="carol", text="changed")], now=NOW)
    rest = await memories.list(EVERYWHERE, EVERYTHING, order=order, limit=100, cursor=first.cursor)
    seen = [found.id for found in first.memories + rest.memories]
    assert sorted(seen) == sorted({f"{n:02d}" for n in range(20)} - {"07"})


@pytest.mark.parametrize("offset", [3, 1_000_001, 10**9])
async def test_a_page_behind_the_end_is_empty_and_has_the_true_total(memories: MemoryStore, offset: int) -> None:
    await memories.put(EVERYWHERE, [write(id_) for id_ in "abc"], now=NOW)
    page = await memories.list(EVERYWHERE, EVERYTHING, limit=10, offset=offset)
    assert (page.memories, page.total) == ((), 3)


async def test_the_filter_and_the_scope_hold_on_every_page(memories: MemoryStore) -> None:
    writes = [
        write(f"{n:02d}", created_at=NOW + n, user_id=f"u{n % 3}", session_id=f"s{n % 4}", topics=(f"t{n % 2}",))
        for n in range(40)
    ]
    await memories.put(EVERYWHERE, writes, now=NOW)
    filter_ = Filter(
        (
            only(TagField.TOPICS, "t0", "x"),
            only(TextField.SESSION_ID, "s0", "s2"),
            TimeRange(field=TimeField.CREATED_AT, low=NOW + 3, high=NOW + 30, high_inclusive=False),
            only(TextField.USER_ID, "u0", "u1"),
        )
    )
    page = await memories.list(Scope(None, frozenset({"u1", "u2"})), filter_, limit=3)
    expected = [n for n in reversed(range(3, 30)) if n % 2 == 0 and n % 3 == 1]
    assert [found.id for found in page.memories] == [f"{n:02d}" for n in expected[:3]]
    assert page.total == len(expected)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "%%%", base64.urlsafe_b64encode(b"[1]").decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(), "é"],
)
async def test_a_foreign_cursor_is_refused(memories: MemoryStore, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await memories.list(EVERYWHERE, EVERYTHING, limit=1, cursor=cursor)
    assert caught.value.field == "cursor"


async def test_a_cursor_of_another_order_is_refused(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a"), write("b")], now=NOW)
    page = await memories.list(EVERYWHERE, EVERYTHING, order=Order.STORED, limit=1)
    with pytest.raises(InvalidRequest):
        await memories.list(EVERYWHERE, EVERYTHING, order=Order.NEWEST, limit=1, cursor=page.cursor)
