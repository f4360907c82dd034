"""Which records of a selection satisfy the conditions that are left."""

from __future__ import annotations

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.filter_sql import Sql, where
from agent_memory_server.adapters.sqlite.scopes import Selected
from agent_memory_server.adapters.sqlite.sql import fetch
from agent_memory_server.domain.filters import Filter, TimeField, TimeRange

WIDE_RECORDS = 20_000
"""In a selection of fewer records, walking its own row ids beats an index over the times of everybody."""

FEW = 5_000
"""Records in a range of times, up to which the index over times is the shorter walk in a wide selection."""

_INDEXED_TIMES = frozenset({TimeField.CREATED_AT, TimeField.EVENT_DATE})


def _few_in_time(connection: apsw.Connection, selected: Selected) -> bool:
    """Whether one of the filter's ranges of times holds few records of the whole store. Costs a fifth of a
    millisecond at most, where SQLite would guess."""
    for condition in selected.rest.conditions:
        if isinstance(condition, TimeRange) and condition.field in _INDEXED_TIMES:
            sql, values = where(Filter((condition,)))
            probe = f"SELECT count(*) FROM (SELECT 1 FROM memories m WHERE {sql} LIMIT ?)"
            ((found,),) = fetch(connection, probe, [*values, FEW])
            if found < FEW:
                return True
    return False


def range_conditions(connection: apsw.Connection, selected: Selected) -> list[Sql]:
    """For each range of the selection the condition on `memories` (alias m) that finds its matching records."""
    wide = selected.records > WIDE_RECORDS
    by_time = wide and _few_in_time(connection, selected)
    if selected.scopes is None:
        condition, values = where(selected.rest, time_index=by_time)
        return [(f"+m.rid <= ? AND ({condition})", [selected.ranges[0][1], *values])]
    rid = "+m.rid" if by_time else "m.rid"  # the plus leaves the time as the only way in
    found = []
    for bounds in selected.ranges:
        condition, values = where(selected.rest, within=bounds, time_index=by_time)
        found.append((f"{rid} BETWEEN ? AND ? AND ({condition})", [*bounds, *values]))
    return found


def matching_rids(connection: apsw.Connection, selected: Selected) -> NDArray[np.int64] | None:
    """Row ids of the matching records, ascending, shape (n,). None: nothing is left to check, so every record of
    the ranges matches."""
    if not selected.rest.conditions:
        return None
    found: list[NDArray[np.int64]] = []
    for condition, values in range_conditions(connection, selected):
        rows = fetch(connection, f"SELECT m.rid FROM memories m WHERE {condition}", values)
        if rows:
            found.append(np.sort(np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))))
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def count(connection: apsw.Connection, selected: Selected) -> int:
    """How many records match; exact."""
    if not selected.rest.conditions:
        return selected.records
    total = 0
    for condition, values in range_conditions(connection, selected):
        ((found,),) = fetch(connection, f"SELECT count(*) FROM memories m WHERE {condition}", values)
        total += found
    return total
