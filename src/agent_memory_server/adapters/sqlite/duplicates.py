"""Records that say exactly the same in the same place."""

from __future__ import annotations

import apsw

from agent_memory_server.adapters.sqlite.matching import range_conditions
from agent_memory_server.adapters.sqlite.record_change import RecordChange, find_stored
from agent_memory_server.adapters.sqlite.rows import load_by_id
from agent_memory_server.adapters.sqlite.scopes import select
from agent_memory_server.adapters.sqlite.sql import fetch, queries
from agent_memory_server.adapters.sqlite.versions import past
from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.memory import Superseding
from agent_memory_server.domain.scope import Scope


def supersede_duplicates(connection: apsw.Connection, scope: Scope, filter_: Filter, *, now: float) -> int:
    """See `MemoryStore.supersede_duplicates`. Inside a write transaction.

    A group never reaches beyond one namespace, user and session, whatever the stored hashes say.
    """
    selected = select(connection, scope, filter_)
    sql = queries("duplicates")
    connection.execute(sql["prepare"])
    try:
        for condition, values in range_conditions(connection, selected):
            connection.execute(sql["gather"].replace("CONDITION", condition), values)
        keepers = dict(fetch(connection, sql["doomed"]))
    finally:
        connection.execute(sql["clear"])
    if not keepers:
        return 0
    before = load_by_id(connection, list(keepers))
    change = RecordChange(connection)
    for id_, kept in keepers.items():
        stored = find_stored(connection, id_)
        if stored is not None:
            change.replace(stored, past(before[id_], kept, Superseding.MERGED, at=now), None, keep_vector=True)
    change.finish()
    return len(keepers)
