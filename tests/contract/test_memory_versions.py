"""The MemoryStore port: earlier versions, superseding, and looking at the past. Every engine passes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent_memory_server.domain.errors import Conflict, NotFound
from agent_memory_server.domain.filters import EVERYTHING, PAST_TOO, Filter, TextField, ValidAt, only
from agent_memory_server.domain.memory import Memory, MemoryType, Superseding
from agent_memory_server.domain.query import Mode, StoreQuery
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import MemoryStore, Supersession
from tests.contract.memories import NOW, direction, write

ANA: dict[str, Any] = {"namespace": "team", "user_id": "ana"}


async def _ids(memories: MemoryStore, filter_: Filter, scope: Scope = EVERYWHERE) -> set[str]:
    """By listing and by search, which must agree, and whose totals must be true."""
    page = await memories.list(scope, filter_, limit=100)
    ranked = await memories.search(
        scope, StoreQuery(mode=Mode.SEMANTIC, filter=filter_, vector=direction(0), alpha=1.0, limit=100)
    )
    ids = {found.id for found in page.memories}
    assert page.total == ranked.total == len(ids)
    assert {hit.memory.id for hit in ranked.hits} == ids
    return ids


async def _one(memories: MemoryStore, id_: str) -> Memory:
    (found,) = await memories.get(EVERYWHERE, [id_])
    return found


async def _edit(memories: MemoryStore, id_: str, at: float, **fields: Any) -> Memory:
    before = await _one(memories, id_)
    after = replace(before, **fields, updated_at=at, memory_hash="")
    return await memories.update(
        EVERYWHERE, after, if_revision=before.revision, vector=direction(5), text_changed=after.text != before.text
    )


async def _supersede(memories: MemoryStore, by: str, *gone: str, at: float = NOW + 50) -> Memory:
    revisions = [(id_, (await _one(memories, id_)).revision) for id_ in gone]
    step = Supersession(by=await _one(memories, by), gone=revisions, because=Superseding.CONTRADICTED, at=at)
    return await memories.supersede(EVERYWHERE, step)


async def test_an_edit_keeps_the_earlier_version_out_of_sight(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("home", "lives in Lyon", **ANA)], now=NOW)
    await _edit(memories, "home", NOW + 10, text="lives in Paris")
    assert await _ids(memories, EVERYTHING) == {"home"}
    assert await _ids(memories, PAST_TOO) == {"home", "home@1"}
    version = await _one(memories, "home@1")
    assert (version.text, version.superseded_by, version.superseded_because) == ("lives in Lyon", "home", "edited")
    assert (version.valid_until, (await _one(memories, "home")).valid_from) == (NOW + 10, NOW + 10)
    assert (await memories.stats()).memories == 1


async def test_a_record_stored_again_keeps_its_earlier_version_where_it_tells_something_else(
    memories: MemoryStore,
) -> None:
    for n, text in enumerate(["tea", "tea", "coffee"]):
        await memories.put(EVERYWHERE, [write("a", text, updated_at=NOW + n)], now=NOW + n)
    assert await _ids(memories, PAST_TOO) == {"a", "a@2"}
    assert (await _one(memories, "a@2")).superseded_because == "replaced"


async def test_a_message_has_no_versions(memories: MemoryStore) -> None:
    for text in ("user: one", "user: two"):
        await memories.put(EVERYWHERE, [write("m", text, memory_type=MemoryType.MESSAGE)], now=NOW)
    assert await _ids(memories, PAST_TOO) == {"m"}


async def test_the_past_is_read_as_it_was_then(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("home", "lives in Lyon", **ANA)], now=NOW)
    await _edit(memories, "home", NOW + 10, text="lives in Paris")
    await memories.put(EVERYWHERE, [write("new", "lives in Rome", created_at=NOW + 20, **ANA)], now=NOW)
    await _supersede(memories, "new", "home", at=NOW + 20)
    expectations: list[tuple[int, set[str]]] = [
        (-1, set()),
        (0, {"home@1"}),
        (10, {"home"}),
        (19, {"home"}),
        (20, {"new"}),
        (99, {"new"}),
    ]
    for at, expected in expectations:
        assert await _ids(memories, Filter((ValidAt(NOW + at),), past=True)) == expected, at


async def test_a_superseded_record_is_no_longer_current_and_says_why(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("old", **ANA), write("new", "coffee", **ANA), write("x")], now=NOW)
    await _supersede(memories, "new", "old")
    ana = Scope(frozenset({"team"}), frozenset({"ana"}))
    for scope in (ana, Scope(frozenset({"team"}))):
        assert await _ids(memories, EVERYTHING, scope) == {"new"}
        assert await _ids(memories, PAST_TOO, scope) == {"new", "old"}
    assert await _ids(memories, EVERYTHING) == {"new", "x"}
    old = await _one(memories, "old")
    assert (old.superseded_by, old.superseded_because, old.valid_until) == ("new", "contradicted", NOW + 50)
    assert await _ids(memories, Filter((only(TextField.SUPERSEDED_BY, "new"),), past=True)) == {"old"}


async def test_superseding_is_refused_whole_where_a_record_changed_is_pinned_or_lies_elsewhere(
    memories: MemoryStore,
) -> None:
    writes = [
        write("new", **ANA),
        write("old", **ANA),
        write("pinned", pinned=True, **ANA),
        write("bob's", namespace="team", user_id="bob"),
    ]
    await memories.put(EVERYWHERE, writes, now=NOW)
    new = await _one(memories, "new")
    for gone in ([("old", 2)], [("old", 1), ("pinned", 1)], [("old", 1), ("bob's", 1)], [("new", 1)]):
        with pytest.raises(Conflict):
            await memories.supersede(EVERYWHERE, Supersession(by=new, gone=gone, because=Superseding.MERGED, at=NOW))
    step = Supersession(by=new, gone=[("x", 1)], because=Superseding.MERGED, at=NOW)
    with pytest.raises(NotFound):
        await memories.supersede(EVERYWHERE, step)
    assert await _ids(memories, EVERYTHING) == {"new", "old", "pinned", "bob's"}
    assert await _ids(memories, PAST_TOO) == {"new", "old", "pinned", "bob's"}


async def test_a_deleted_record_takes_its_past_with_it(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write(id_, id_, **ANA) for id_ in ("a", "b", "c", "d")], now=NOW)
    await _edit(memories, "a", NOW + 1, text="first")
    await _supersede(memories, "b", "a")
    await _supersede(memories, "c", "b")
    assert await memories.delete(EVERYWHERE, ["c"]) == 1
    assert await _ids(memories, PAST_TOO) == {"d"}


async def test_a_superseded_record_that_is_stored_again_is_current_again(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("old", **ANA), write("new", "coffee", **ANA)], now=NOW)
    await _supersede(memories, "new", "old")
    await memories.put(EVERYWHERE, [write("old", "tea after all", **ANA)], now=NOW)
    assert await _ids(memories, EVERYTHING) == {"old", "new"}


async def test_the_same_content_as_in_the_past_is_no_duplicate(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("old", "tea", **ANA), write("new", "coffee", **ANA)], now=NOW)
    await _supersede(memories, "new", "old")
    await memories.put(EVERYWHERE, [write("again", "tea", **ANA)], now=NOW, deduplicate=True)
    assert await _ids(memories, EVERYTHING) == {"again", "new"}


async def test_what_was_not_compared_since_its_text_was_stored_is_found_by_scope_and_filter(
    records: MemoryStore,
) -> None:
    async def open_(scope: Scope = EVERYWHERE, filter_: Filter = EVERYTHING, limit: int = 10) -> set[str]:
        return {one.id for one in await records.uncompared(scope, filter_, limit=limit)}

    message = write("m", memory_type=MemoryType.MESSAGE)
    writes = [write("a"), write("b", session_id="s"), write("owed", at=None), message, write("c", **ANA)]
    await records.put(EVERYWHERE, writes, now=NOW)
    assert await open_() == {"a", "b", "c"}
    assert len(await open_(limit=2)) == 2
    assert await open_(Scope(frozenset({"team"}))) == {"c"}
    assert await open_(Scope(frozenset({"team"}), frozenset({"bob"}))) == set()
    assert await open_(filter_=Filter((only(TextField.SESSION_ID, "s"),))) == {"b"}
    await records.mark_compared([("a", 1), ("b", 2), ("gone", 1)])
    assert await open_() == {"b", "c"}
    await _edit(records, "a", NOW + 1, topics=("t",))
    assert await open_() == {"b", "c"}
    await _edit(records, "a", NOW + 2, text="coffee")
    assert await open_() == {"a", "b", "c"}
    assert set(await records.vectors(["a", "b", "owed", "gone"])) == {"a", "b"}
