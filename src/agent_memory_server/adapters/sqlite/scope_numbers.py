"""Giving out scope numbers and row ids, and the figures of scopes. Everything here is part of a write transaction."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from agent_memory_server.adapters.sqlite.scopes import FIRST_PAST_SCOPE, LOCAL_BITS, LOCALS, scope_of
from agent_memory_server.adapters.sqlite.sql import fetch, fetch_row, queries

_FIRST_BLOCK = 256
"""Scope numbers in a namespace's first block; each further block holds twice as many."""


def _new_number(connection: apsw.Connection, namespace: str, past: bool) -> int:
    sql, values = queries("scopes"), (namespace, FIRST_PAST_SCOPE, past)
    row = fetch_row(connection, sql["number_from_block"], values)
    if row is not None:
        return int(row[0])
    ((start, largest),) = fetch(connection, sql["last_block"], values)
    connection.execute(sql["add_block"], (start, max(_FIRST_BLOCK, 2 * largest), namespace))
    return int(start)


def scope_for_write(connection: apsw.Connection, namespace: str, user_id: str, *, past: bool = False) -> int:
    """The scope that takes this user's next record; made when there is none, or none with row ids left.

    past: the one for superseded records."""
    sql = queries("scopes")
    row = fetch_row(connection, sql["scope"], (namespace, user_id, past, LOCALS))
    if row is not None:
        return int(row[0])
    number = _new_number(connection, namespace, past)
    connection.execute(sql["add_scope"], (number, namespace, user_id, past))
    return number


@dataclass(slots=True)
class _Counter:
    """A scope during a change: its next local number, and what the change adds to its figures."""

    next_local: int
    records: int = 0
    words: int = 0


class ScopeNumbers:
    """Row ids and figures during one change; `finish` writes them back. One at a time in a transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._places: dict[tuple[str, str, bool], int] = {}
        self._counters: dict[int, _Counter] = {}

    def next_rid(self, namespace: str, user_id: str, *, past: bool = False) -> int:
        """A row id that was never used before, in this user's scope; past: in that of superseded records."""
        place = (namespace, user_id, past)
        scope = self._places.get(place)
        if scope is None:
            scope = self._places[place] = scope_for_write(self._connection, namespace, user_id, past=past)
        if self._counter(scope).next_local >= LOCALS:
            self._write_back()  # so that the scope is seen to be full
            scope = self._places[place] = scope_for_write(self._connection, namespace, user_id, past=past)
        counter = self._counter(scope)
        local = counter.next_local
        counter.next_local += 1
        return (scope << LOCAL_BITS) | local

    def count(self, rid: int, *, records: int = 0, words: int = 0) -> None:
        """Note records and words that the scope of `rid` gains (or loses, below 0)."""
        counter = self._counter(scope_of(rid))
        counter.records += records
        counter.words += words

    def finish(self) -> None:
        """Write next numbers and figures of the scopes, of their blocks and of the store."""
        self._write_back()
        self._places, self._counters = {}, {}

    def _counter(self, scope: int) -> _Counter:
        counter = self._counters.get(scope)
        if counter is None:
            ((next_local,),) = fetch(self._connection, queries("scopes")["next_local"], (scope,))
            counter = self._counters[scope] = _Counter(next_local)
        return counter

    def _write_back(self) -> None:
        if not self._counters:
            return
        sql, write = queries("scopes"), self._connection.executemany
        write(sql["count_scope"], [(n, c.next_local, c.records, c.words) for n, c in self._counters.items()])
        changed = [(n, c.records, c.words) for n, c in self._counters.items() if c.records or c.words]
        if changed:
            write(sql["count_block"], changed)
            for prefix, past in (("", False), ("past_", True)):
                sums = [row for row in changed if (row[0] >= FIRST_PAST_SCOPE) is past]
                totals = [(f"{prefix}records", sum(r[1] for r in sums)), (f"{prefix}words", sum(r[2] for r in sums))]
                if sums:
                    write(sql["count_all"], totals)
        for counter in self._counters.values():
            counter.records = counter.words = 0
