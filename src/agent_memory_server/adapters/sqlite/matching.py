"""Which records of a selection satisfy the conditions that are left."""

from __future__ import annotations

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.filter_sql import Sql, where
from agent_memory_server.adapters.sqlite.scopes import Selected
from agent_memory_server.adapters.sqlite.sql import fetch

_TIME_INDEX_RECORDS = 20_000
"""In a selection of fewer records, walking its own row ids beats an index over the times of everybody."""


def range_condition(selected: Selected, bounds: tuple[int, int]) -> Sql:
    """The conditions that are left, and one of the selection's ranges, on table `memories` (alias m)."""
    within = None if selected.scopes is None else bounds
    time_index = selected.scopes is None or selected.records > _TIME_INDEX_RECORDS
    condition, values = where(selected.rest, within=within, time_index=time_index)
    if within is None:
        return condition, values
    return f"m.rid BETWEEN ? AND ? AND ({condition})", [*bounds, *values]


def matching_rids(connection: apsw.Connection, selected: Selected) -> NDArray[np.int64] | None:
    """Row ids of the matching records, ascending, shape (n,). None: nothing is left to check, so every record of
    the ranges matches."""
    if not selected.rest.conditions:
        return None
    found: list[NDArray[np.int64]] = []
    for bounds in selected.ranges:
        condition, values = range_condition(selected, bounds)
        rows = fetch(connection, f"SELECT m.rid FROM memories m WHERE {condition}", values)
        if rows:
            found.append(np.sort(np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))))
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def count(connection: apsw.Connection, selected: Selected) -> int:
    """How many records match; exact."""
    if not selected.rest.conditions:
        return selected.records
    total = 0
    for bounds in selected.ranges:
        condition, values = range_condition(selected, bounds)
        ((found,),) = fetch(connection, f"SELECT count(*) FROM memories m WHERE {condition}", values)
        total += found
    return total
