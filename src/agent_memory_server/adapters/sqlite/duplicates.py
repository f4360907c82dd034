"""Removing records that say the same in the same place."""

from __future__ import annotations

import apsw

from agent_memory_server.adapters.sqlite.matching import range_conditions
from agent_memory_server.adapters.sqlite.record_writer import delete_records
from agent_memory_server.adapters.sqlite.scopes import select
from agent_memory_server.adapters.sqlite.sql import fetch, queries
from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.scope import EVERYWHERE, Scope


def remove_duplicates(connection: apsw.Connection, scope: Scope, filter_: Filter) -> int:
    """Delete duplicates; see `MemoryStore.remove_duplicates`. Inside a write transaction.

    A group never reaches beyond one namespace, user and session, whatever the stored hashes say.
    """
    selected = select(connection, scope, filter_)
    sql = queries("duplicates")
    connection.execute(sql["prepare"])
    try:
        for condition, values in range_conditions(connection, selected):
            connection.execute(sql["gather"].replace("CONDITION", condition), values)
        doomed = [row[0] for row in fetch(connection, sql["doomed"])]
    finally:
        connection.execute(sql["clear"])
    return delete_records(connection, EVERYWHERE, doomed)
