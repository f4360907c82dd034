"""Who owns which row ids: one scope number for each (namespace, user), and a call's scope as ranges of row ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import apsw

from agent_memory_server.adapters.sqlite.filter_sql import Sql, all_of, text_condition
from agent_memory_server.adapters.sqlite.sql import queries
from agent_memory_server.domain.filters import Condition, Filter, Match, Op, TextField
from agent_memory_server.domain.scope import Scope

LOCAL_BITS = 24
LOCALS = 1 << LOCAL_BITS
"""Row ids of one scope. Local numbers start at 1 and are never used again; a full scope gets a further part."""

ALL_RIDS = (0, 2**63 - 1)
_FIRST_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Selected:
    """What a scope and the namespace and user conditions of a filter leave of the store.

    scopes:  the scope numbers, ascending; None means every one (then `ranges` is the one range ALL_RIDS).
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


def _conditions(
    column: str, granted: frozenset[str] | None, asked: Iterable[Match]
) -> list[Sql]:
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
    records, words = connection.execute(queries("scopes")["totals"]).fetchall()[0]
    return Selected(None, (ALL_RIDS,), int(records), int(words), rest)


def _whole_namespaces(connection: apsw.Connection, namespaces: Sql, rest: Filter) -> Selected:
    """By blocks: a handful of rows, however many users the namespaces have."""
    condition, values = namespaces
    rows = connection.execute(
        f"SELECT start, used, records, words FROM blocks WHERE {condition} ORDER BY start", values
    ).fetchall()
    used = [(start, start + n - 1) for start, n, _, _ in rows]
    scopes = tuple(scope for first, last in used for scope in range(first, last + 1))
    return Selected(scopes, _ranges(used), sum(row[2] for row in rows), sum(row[3] for row in rows), rest)


def _single_scopes(connection: apsw.Connection, places: Sql, rest: Filter) -> Selected:
    condition, values = places
    rows = sorted(connection.execute(f"SELECT scope, records, words FROM scopes WHERE {condition}", values).fetchall())
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
        rest = Filter(tuple(c for c in filter_.conditions if id(c) not in decided))
    namespaces = _conditions("namespace", scope.namespaces, by_namespace)
    users = _conditions("user_id", scope.users, by_user)
    if users:
        return _single_scopes(connection, all_of(namespaces + users), rest)
    if namespaces:
        return _whole_namespaces(connection, all_of(namespaces), rest)
    return _everything(connection, rest)


def _new_number(connection: apsw.Connection, namespace: str) -> int:
    sql = queries("scopes")
    row = connection.execute(sql["number_from_block"], (namespace,)).fetchall()
    if row:
        return int(row[0][0])
    start, largest = connection.execute(sql["last_block"], (namespace,)).fetchall()[0]
    connection.execute(sql["add_block"], (start, max(_FIRST_BLOCK, 2 * largest), namespace))
    return int(start)


def scope_for_write(connection: apsw.Connection, namespace: str, user_id: str) -> int:
    """The scope that takes this user's next record; made when there is none, or none with numbers left.

    Inside a write transaction.
    """
    sql = queries("scopes")
    row = connection.execute(sql["scope"], (namespace, user_id, LOCALS)).fetchall()
    if row:
        return int(row[0][0])
    number = _new_number(connection, namespace)
    connection.execute(sql["add_scope"], (number, namespace, user_id))
    return number


def next_rid(connection: apsw.Connection, namespace: str, user_id: str) -> int:
    """A row id that was never used before, in this user's scope. Inside a write transaction."""
    statement = queries("scopes")["rid"]
    place = (namespace, user_id, LOCALS)
    row = connection.execute(statement, place).fetchall()
    if not row:
        scope_for_write(connection, namespace, user_id)
        row = connection.execute(statement, place).fetchall()
    scope, local = row[0]
    return (int(scope) << LOCAL_BITS) | int(local)


def count_records(connection: apsw.Connection, changes: Mapping[int, tuple[int, int]]) -> None:
    """Add (records, words) to the figures of scopes, of their blocks and of the store. Inside a write transaction."""
    sql = queries("scopes")
    rows = [(scope, *delta) for scope, delta in changes.items() if delta != (0, 0)]
    if not rows:
        return
    connection.executemany(sql["count_scope"], rows)
    connection.executemany(sql["count_block"], rows)
    connection.execute(sql["count_all"], ("records", sum(row[1] for row in rows)))
    connection.execute(sql["count_all"], ("words", sum(row[2] for row in rows)))
