"""A record read from the file is the value that was stored, and as little to be changed."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest

from agent_memory_server.adapters.sqlite.record_writer import put_records, stored_memories
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.ports.memory_store import MemoryWrite
from tests.adapters.sqlite.records import NOW, open_file, transaction

FULL = Memory(
    id="full",
    text="Ada likes tea",
    created_at=1.5,
    updated_at=2.5,
    last_accessed=3.5,
    namespace="n",
    user_id="u",
    session_id="s",
    memory_type=MemoryType.EPISODIC,
    topics=("tea", "Ada"),
    entities=("Ada",),
    persisted_at=4.5,
    event_date=5.5,
    pinned=True,
    access_count=3,
    memory_hash="h",
    discrete_memory_extracted=False,
    extraction_strategy="summary",
    extraction_strategy_config={"max": 3},
    extracted_from=("m1", "m2"),
    metadata={"k": [1]},
    valid_from=6.5,
)


@pytest.mark.parametrize("memory", [FULL, Memory(id="bare", text="", created_at=1, updated_at=1, last_accessed=1)])
def test_a_record_comes_back_as_the_same_frozen_value(tmp_path: Path, memory: Memory) -> None:
    connection = open_file(tmp_path)
    with transaction(connection):
        put_records(connection, EVERYWHERE, [MemoryWrite(memory=memory, vector=None)], now=NOW)
    (found,) = stored_memories(connection, EVERYWHERE, [memory.id])
    for one in fields(Memory):
        if one.name not in {"memory_hash", "persisted_at", "revision", "valid_from"}:  # the store's own
            assert getattr(found, one.name) == getattr(memory, one.name), one.name
    assert type(found) is Memory
    assert found == replace(found) == copy.copy(found) == pickle.loads(pickle.dumps(found))
    with pytest.raises(FrozenInstanceError):
        found.text = "changed"  # type: ignore[misc]
    connection.close()
