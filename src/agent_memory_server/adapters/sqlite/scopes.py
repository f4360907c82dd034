"""A call's scope as ranges of row ids: each (namespace, user) has a scope number, each scope a range of row ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import apsw

from agent_memory_server.adapters.sqlite.filter_sql import Sql, all_of, text_condition
from agent_memory_server.adapters.sqlite.sql import fetch, queries
from agent_memory_server.domain.filters import Condition, Filter, Match, Op, TextField
from agent_memory_server.domain.scope import Scope

LOCAL_BITS = 24
LOCALS = 1 << LOCAL_BITS
"""Row ids of one scope. Local numbers start at 1 and are never used again; a full scope gets a further part."""

ALL_RIDS = (0, 2**63 - 1)

FIRST_PAST_SCOPE = 1 << 38
"""Scopes from this number on hold superseded records and earlier versions: no search for current ones sees them."""

CURRENT_RIDS = (0, (FIRST_PAST_SCOPE << LOCAL_BITS) - 1)


@dataclass(frozen=True, slots=True)
class Selected:
    """What a scope and the namespace and user conditions of a filter leave of the store.

    scopes:  the scope numbers, ascending; None means every one (then `ranges` is the one range CURRENT_RIDS, or
             ALL_RIDS when the past is looked at too).
    ranges:  inclusive ranges of row ids, ascending, apart from one another. They hold every record of these scopes
             and no record of another one; empty when nothing is left.
    records: stored records in the ranges; words: the sum of their lengths.
    rest:    the conditions that are still to be checked on the records.
    """

    scopes: tuple[int, ...] | None
    ranges: tuple[tuple[int, int], ...]
    records: int
    words: int
    rest: Filter


def scope_of(rid: int) -> int:
    """The scope number of a row id."""
    return rid >> LOCAL_BITS


def rids_of(first_scope: int, last_scope: int) -> tuple[int, int]:
    """The inclusive range of row ids of consecutive scopes."""
    return first_scope << LOCAL_BITS, ((last_scope + 1) << LOCAL_BITS) - 1


def _conditions(column: str, granted: frozenset[str] | None, asked: Iterable[Match]) -> list[Sql]:
    parts = [] if granted is None else [text_condition(column, Op.ANY, sorted(granted))]
    return parts + [text_condition(column, match.op, match.values) for match in asked]


def _on(field: TextField, conditions: Iterable[Condition]) -> list[Match]:
    return [c for c in conditions if isinstance(c, Match) and c.field is field]


def _ranges(scopes: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Row id ranges of (first, last) scope ranges in ascending order; neighbours become one."""
    merged: list[tuple[int, int]] = []
    for first, last in scopes:
        if merged and merged[-1][1] + 1 == first:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(rids_of(first, last) for first, last in merged)


def _everything(connection: apsw.Connection, rest: Filter) -> Selected:
    ((records, words),) = fetch(connection, queries("scopes")["all_totals" if rest.past else "totals"])
    return Selected(None, (ALL_RIDS if rest.past else CURRENT_RIDS,), records, words, rest)


def _whole_namespaces(connection: apsw.Connection, namespaces: Sql, rest: Filter) -> Selected:
    """By blocks: a handful of rows, however many users the namespaces have."""
    condition, values = namespaces
    statement = f"SELECT start, used, records, words FROM blocks WHERE {condition} ORDER BY start"
    rows = fetch(connection, statement, values)
    used = [(start, start + n - 1) for start, n, _, _ in rows]
    scopes = tuple(scope for first, last in used for scope in range(first, last + 1))
    return Selected(scopes, _ranges(used), sum(row[2] for row in rows), sum(row[3] for row in rows), rest)


def _single_scopes(connection: apsw.Connection, places: Sql, rest: Filter) -> Selected:
    condition, values = places
    rows = sorted(fetch(connection, f"SELECT scope, records, words FROM scopes WHERE {condition}", values))
    ranges = _ranges((scope, scope) for scope, _, _ in rows)
    return Selected(
        tuple(row[0] for row in rows), ranges, sum(row[1] for row in rows), sum(row[2] for row in rows), rest
    )


def select(connection: apsw.Connection, scope: Scope, filter_: Filter) -> Selected:
    """The ranges of row ids that scope and filter leave; exact for namespaces and users, `rest` is left to check."""
    by_namespace = _on(TextField.NAMESPACE, filter_.conditions)
    by_user = _on(TextField.USER_ID, filter_.conditions)
    rest = filter_
    if by_namespace or by_user:
        decided = {id(condition) for condition in by_namespace + by_user}
        rest = Filter(tuple(c for c in filter_.conditions if id(c) not in decided), filter_.past)
    namespaces = _conditions("namespace", scope.namespaces, by_namespace)
    users = _conditions("user_id", scope.users, by_user)
    if not filter_.past and (users or namespaces):
        namespaces.append((f"{'scope' if users else 'start'} < {FIRST_PAST_SCOPE}", []))
    if users:
        return _single_scopes(connection, all_of(namespaces + users), rest)
    if namespaces:
        return _whole_namespaces(connection, all_of(namespaces), rest)
    return _everything(connection, rest)
