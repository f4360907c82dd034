"""Taking records as they were in another store. Every engine that can passes it."""

from __future__ import annotations

import numpy as np
import pytest

from agent_memory_server.domain.errors import Forbidden
from agent_memory_server.domain.filters import EVERYTHING, PAST_TOO
from agent_memory_server.domain.memory import MemoryType, Superseding
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import MemoryStore, SupportsRestore
from tests.contract.memories import NOW, direction, write


@pytest.fixture
def restoring(records: MemoryStore) -> SupportsRestore:
    assert isinstance(records, SupportsRestore)
    return records


FULL = write(
    "r",
    "likes tea ☃ \x00 '\"",
    at=30.0,
    namespace="team",
    user_id="ann",
    session_id="s",
    memory_type=MemoryType.EPISODIC,
    topics=("a,b|c", "é"),
    entities=("Ann",),
    persisted_at=NOW + 1.25,
    event_date=0.0,
    pinned=True,
    access_count=3,
    memory_hash="h",
    discrete_memory_extracted=False,
    extraction_strategy="custom",
    extraction_strategy_config={"prompt": "x"},
    extracted_from=("m1",),
    metadata={"deep": {"list": [1, None, "é"]}},
    revision=7,
    valid_from=NOW - 5,
)
PAST = write(
    "r@6",
    "liked coffee",
    at=None,
    namespace="team",
    user_id="ann",
    memory_hash="h6",
    revision=6,
    superseded_by="r",
    superseded_because=Superseding.EDITED.value,
    valid_until=NOW - 5,
)


async def test_records_are_stored_exactly_as_they_are(records: MemoryStore, restoring: SupportsRestore) -> None:
    assert list(await restoring.restore(EVERYWHERE, [PAST, FULL])) == [True, True]
    assert list(await records.get(EVERYWHERE, ["r", "r@6"])) == [FULL.memory, PAST.memory]
    vectors = await records.vectors(["r", "r@6"])
    assert list(vectors) == ["r"]
    assert np.array_equal(vectors["r"], direction(30.0))
    assert [found.id for found in (await records.list(EVERYWHERE, EVERYTHING, limit=9)).memories] == ["r"]
    assert (await records.list(EVERYWHERE, PAST_TOO, limit=9)).total == 2
    assert await records.delete(EVERYWHERE, ["r"]) == 1
    assert (await records.list(EVERYWHERE, PAST_TOO, limit=9)).total == 0


async def test_what_is_there_is_left_alone(records: MemoryStore, restoring: SupportsRestore) -> None:
    await records.put(EVERYWHERE, [write("r", "mine")], now=NOW)
    assert list(await restoring.restore(EVERYWHERE, [FULL, PAST, PAST])) == [False, True, False]
    (mine,) = await records.get(EVERYWHERE, ["r"])
    assert (mine.text, mine.revision) == ("mine", 1)


async def test_a_record_outside_the_scope_stops_them_all(records: MemoryStore, restoring: SupportsRestore) -> None:
    with pytest.raises(Forbidden):
        await restoring.restore(Scope(frozenset({"team"}), None), [FULL, write("o", namespace="other")])
    assert not await records.get(EVERYWHERE, ["r", "o"])
