"""Records by filter in a fixed order, by offset or by cursor."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent_memory_server.adapters.redis.filter_query import compiled
from agent_memory_server.adapters.redis.index import BY_ID, NEWEST_FIRST, OLDEST_FIRST, Index
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.filters import Filter, TimeField, TimeRange, matches
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Order, Page
from agent_memory_server.domain.scope import Scope

_SORTING = {Order.NEWEST: NEWEST_FIRST, Order.STORED: BY_ID}


@dataclass(frozen=True, slots=True)
class _Place:
    """The last record of a page."""

    created_at: float
    id: str

    def before(self, memory: Memory, order: Order) -> bool:
        """Whether a record comes behind it."""
        if order is Order.STORED:
            return memory.id > self.id
        return (-memory.created_at, memory.id) > (-self.created_at, self.id)


def _cursor(order: Order, memory: Memory) -> str:
    text = json.dumps([order.value, memory.created_at, memory.id])
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


async def matching(
    index: Index, records: Records, scope: Scope, filter_: Filter, *, among: str = "", limit: int | None = None
) -> list[Memory]:
    """Every record of the scope that satisfies the filter, checked one by one.

    among: a further condition in the query language, of ours. limit: the oldest ones, that many at most.
    """
    query = compiled(scope, filter_)
    if query is None:
        return []
    narrowed = replace(query, text=" ".join(filter(None, (among, query.text.replace("*", "")))) or "*")
    whole = limit is None or query.rest.conditions
    if query.ids is not None and not among:
        ids: Sequence[str] = query.ids
    else:
        ids = await index.every(narrowed) if whole else await index.page(narrowed, OLDEST_FIRST, limit=limit or 0)
    memories = [stored.memory for stored in (await records.read(ids)).values()]
    found = [m for m in memories if scope.allows(m.namespace, m.user_id) and matches(filter_, m)]
    return found if limit is None else sorted(found, key=lambda memory: (memory.created_at, memory.id))[:limit]


def _sorted(memories: list[Memory], order: Order) -> list[Memory]:
    if order is Order.STORED:
        return sorted(memories, key=lambda memory: memory.id)
    return sorted(memories, key=lambda memory: (-memory.created_at, memory.id))


async def _behind(index: Index, scope: Scope, filter_: Filter, order: Order, place: _Place, *, limit: int) -> list[str]:
    """Ids behind a place. Records of the same creation time are told apart by id."""
    order_ = place.id.encode().hex()
    if order is Order.STORED:
        query = compiled(scope, filter_)
        return [] if query is None else await index.page(query, BY_ID, limit=limit, condition=f"@order_ > '{order_}'")
    at = place.created_at
    ids: list[str] = []
    same = TimeRange(field=TimeField.CREATED_AT, low=at, high=at)
    older = TimeRange(field=TimeField.CREATED_AT, high=at, high_inclusive=False)
    for condition, beyond in ((same, f"@order_ > '{order_}'"), (older, None)):
        query = compiled(scope, filter_.also(condition))
        if query is not None and len(ids) < limit:
            ids += await index.page(query, NEWEST_FIRST, limit=limit - len(ids), condition=beyond)
    return ids


async def list_records(
    index: Index,
    records: Records,
    scope: Scope,
    filter_: Filter,
    *,
    order: Order,
    limit: int,
    offset: int,
    cursor: str | None,
) -> Page:
    """A page; see `MemoryStore.list`."""
    place = None if cursor is None else _place(order, cursor)
    query = compiled(scope, filter_)
    if query is None:
        return Page(memories=(), total=0)
    skipped = 0 if place else offset
    if query.rest.conditions:
        found = _sorted(await matching(index, records, scope, filter_), order)
        total = len(found)
        rows = [memory for memory in found if place is None or place.before(memory, order)][skipped:]
        return _page(order, rows[: limit + 1], limit, total)
    total = await index.count(query)
    if skipped >= total:
        return Page(memories=(), total=total)
    if place is None:
        ids = await index.page(query, _SORTING[order], limit=limit + 1, offset=skipped)
    else:
        ids = await _behind(index, scope, filter_, order, place, limit=limit + 1)
    stored = await records.read(ids)
    return _page(order, [one.memory for one in stored.values()], limit, total)


def _page(order: Order, rows: list[Memory], limit: int, total: int) -> Page:
    page = rows[:limit]
    more = len(rows) > limit and page
    return Page(memories=tuple(page), total=total, cursor=_cursor(order, page[-1]) if more else None)
