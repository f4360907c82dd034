"""Topics and entities that are filled in later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import apsw

from agent_memory_server.adapters.sqlite.record_change import RecordChange, find_stored
from agent_memory_server.adapters.sqlite.rows import load, load_by_id
from agent_memory_server.adapters.sqlite.sql import fetch, queries
from agent_memory_server.domain.memory import Memory
from agent_memory_server.ports.memory_store import Labels


def unlabelled(connection: apsw.Connection, limit: int) -> list[Memory]:
    """See `MemoryStore.unlabelled`."""
    rids = [row[0] for row in fetch(connection, queries("records")["unlabelled"], (limit,))]
    found = load(connection, rids)
    return [found[rid] for rid in rids if rid in found]


def set_labels(connection: apsw.Connection, labels: Sequence[Labels]) -> int:
    """See `MemoryStore.set_labels`. Inside a write transaction."""
    before = load_by_id(connection, [one.id for one in labels])
    due = [one for one in labels if one.id in before and before[one.id].revision == one.revision]
    changed = {one.id: one for one in due if (one.topics, one.entities) != _of(before[one.id])}
    if changed:
        change = RecordChange(connection)
        for id_, one in changed.items():
            newer = replace(before[id_], topics=one.topics, entities=one.entities, revision=one.revision + 1)
            stored = find_stored(connection, id_)
            if stored is not None:
                change.replace(stored, newer, None, keep_vector=True)
        change.finish()
    connection.executemany(queries("records")["mark_labelled"], [(one.id,) for one in due])
    return len(due)


def _of(memory: Memory) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return memory.topics, memory.entities
