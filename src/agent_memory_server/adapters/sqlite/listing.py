"""Records by filter in a fixed order, by offset or by cursor."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

import apsw

from agent_memory_server.adapters.sqlite.filter_sql import Sql, all_of, where
from agent_memory_server.adapters.sqlite.matching import count, range_conditions
from agent_memory_server.adapters.sqlite.rows import load
from agent_memory_server.adapters.sqlite.scopes import Selected, select
from agent_memory_server.adapters.sqlite.sql import fetch
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.query import Order, Page
from agent_memory_server.domain.scope import Scope

SORTED_RECORDS = 20_000
"""Up to so many matches are sorted; more are read along the order's index, where a page is never far."""

_BY = {Order.NEWEST: "{0}m.created_at DESC, {0}m.id", Order.STORED: "{0}m.id"}
_WALK = {Order.NEWEST: "INDEXED BY memories_created", Order.STORED: ""}


@dataclass(frozen=True, slots=True)
class _Place:
    """The last record of a page."""

    created_at: float
    id: str


def _cursor(order: Order, place: _Place) -> str:
    text = json.dumps([order.value, place.created_at, place.id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(order: Order, cursor: str) -> _Place:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        found = None
    match found:
        case [order.value, int() | float() as created_at, str() as id_]:
            return _Place(float(created_at), id_)
        case _:
            raise InvalidRequest("the cursor is not one of this listing; start again without one", field="cursor")


def _behind(order: Order, place: _Place) -> Sql:
    if order is Order.STORED:
        return "m.id > ?", [place.id]
    created = place.created_at
    return "m.created_at <= ? AND (m.created_at < ? OR m.id > ?)", [created, created, place.id]


def _sort_key(order: Order, row: tuple[Any, ...]) -> tuple[Any, ...]:
    # Python compares text by code point, as SQLite compares its UTF-8 bytes.
    return (row[1],) if order is Order.STORED else (-row[0], row[1])


def _sorted(
    connection: apsw.Connection, selected: Selected, behind: list[Sql], order: Order, wanted: int
) -> list[tuple[Any, ...]]:
    by = _BY[order].format("+")  # the plus keeps SQLite off the order's index: everybody's records are in it
    found: list[tuple[Any, ...]] = []
    for matching in range_conditions(connection, selected):
        condition, values = all_of([matching, *behind])
        statement = f"SELECT m.created_at, m.id, m.rid FROM memories m WHERE {condition} ORDER BY {by} LIMIT ?"
        found += fetch(connection, statement, [*values, wanted])
    return sorted(found, key=lambda row: _sort_key(order, row))[:wanted]


def _walked(
    connection: apsw.Connection, selected: Selected, behind: list[Sql], order: Order, wanted: int
) -> list[tuple[Any, ...]]:
    conditions = [where(selected.rest), *behind]
    if selected.scopes is not None:
        among = ",".join(map(str, selected.scopes))
        conditions.append(("m.rid >> 24 IN (SELECT value FROM json_each(?))", [f"[{among}]"]))
    else:
        conditions.append(("+m.rid <= ?", [selected.ranges[0][1]]))
    condition, values = all_of(conditions)
    by = _BY[order].format("")
    statement = (
        f"SELECT m.created_at, m.id, m.rid FROM memories m {_WALK[order]} WHERE {condition} ORDER BY {by} LIMIT ?"
    )
    return fetch(connection, statement, [*values, wanted])


def list_records(
    connection: apsw.Connection,
    scope: Scope,
    filter_: Filter,
    *,
    order: Order,
    limit: int,
    offset: int = 0,
    cursor: str | None = None,
) -> Page:
    """A page; see `MemoryStore.list`. Inside one snapshot.

    NEWEST is by creation, newest first, then by id; STORED is by id. Both are kept by a record for its whole life,
    so a walk by cursor misses nothing that is changed or moved meanwhile.
    """
    behind = [] if cursor is None else [_behind(order, _place(order, cursor))]
    skipped = 0 if behind else offset
    selected = select(connection, scope, filter_)
    total = count(connection, selected)
    ordered = _sorted if total <= SORTED_RECORDS else _walked
    rows = ordered(connection, selected, behind, order, skipped + limit + 1)[skipped:]
    page = rows[:limit]
    memories = load(connection, [row[2] for row in page])
    more = len(rows) > limit and page
    return Page(
        memories=tuple(memories[row[2]] for row in page),
        total=total,
        cursor=_cursor(order, _Place(page[-1][0], page[-1][1])) if more else None,
    )
