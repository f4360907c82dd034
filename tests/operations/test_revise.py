"""Changing fields of one memory, beside others who change it too."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent_memory_server.domain.errors import Conflict, Forbidden, NotFound, RequestRefused
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.memory import MemoryType, hash_of
from agent_memory_server.domain.principal import LOCAL, Action
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.compact import compact
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.revise import revise
from agent_memory_server.operations.search import Question, search
from tests.operations.given import NOW, FailingEmbedder, SettableClock, caller, embed_everything, memory, records
from tests.support.rest import application


async def test_only_the_given_fields_change(app: Application, clock: SettableClock) -> None:
    await remember(app, LOCAL, [memory("k", "likes tea", topics=("tea",), pinned=True)])
    clock.now += 5
    changed = await revise(app, LOCAL, "k", {"text": "likes coffee"})
    assert (changed.text, changed.topics, changed.pinned) == ("likes coffee", ("tea",), True)
    assert (changed.created_at, changed.updated_at, changed.revision) == (NOW, NOW + 5, 2)
    assert (await records(app, "k"))["k"] == changed


async def test_two_writers_of_different_fields_lose_nothing(app: Application) -> None:
    await remember(app, LOCAL, [memory("k", "0")])

    async def write(field: str) -> None:
        for n in range(1, 51):
            await revise(app, LOCAL, "k", {field: str(n) if field == "text" else tuple(map(str, range(n)))})

    await asyncio.gather(write("text"), write("topics"))
    found = (await records(app, "k"))["k"]
    assert (found.text, len(found.topics), found.revision) == ("50", 50, 101)


async def test_of_writers_that_name_one_revision_exactly_one_succeeds(app: Application) -> None:
    await remember(app, LOCAL, [memory("k")])
    results = await asyncio.gather(
        *(revise(app, LOCAL, "k", {"text": str(n)}, if_revision=1) for n in range(10)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 9 + ["Memory"]


async def test_a_new_text_is_found_at_once_and_the_old_one_no_more(app: Application) -> None:
    await remember(app, LOCAL, [memory("k", "zebra")])
    await revise(app, LOCAL, "k", {"text": "giraffe"})
    (hit,) = (await search(app, LOCAL, Question(text="giraffe"))).hits
    assert hit.dist == pytest.approx(0.0, abs=1e-6)
    (hit,) = (await search(app, LOCAL, Question(text="zebra"))).hits
    assert hit.dist > 0.5


async def test_without_the_model_a_new_text_is_stored_and_its_embedding_owed(tmp_path: Path) -> None:
    embedder = FailingEmbedder()
    async with application(tmp_path, embedder=embedder) as app:
        await remember(app, LOCAL, [memory("k", "zebra")])
        embedder.down = True
        await revise(app, LOCAL, "k", {"text": "giraffe"})
        assert app.owed.is_set()
        assert [owed.text for owed in await app.memories.owed_embeddings(limit=9)] == ["giraffe"]
        embedder.down = False
        await embed_everything(app)
        (hit,) = (await search(app, LOCAL, Question(text="giraffe"))).hits
        assert hit.dist == pytest.approx(0.0, abs=1e-6)


async def test_what_is_not_the_text_is_changed_without_the_model(tmp_path: Path) -> None:
    embedder = FailingEmbedder()
    async with application(tmp_path, embedder=embedder) as app:
        await remember(app, LOCAL, [memory("k", "zebra")])
        embedder.calls.clear()
        await revise(app, LOCAL, "k", {"topics": ("animals",), "text": "zebra"})
        assert embedder.calls == []
        assert await app.memories.owed_embeddings(limit=9) == []


async def test_a_memory_that_moves_or_changes_its_type_is_no_duplicate_of_what_it_was(app: Application) -> None:
    same = {"text": "likes tea", "session_id": "s"}
    await remember(app, LOCAL, [memory("a", **same), memory("b", **same)], deduplicate=False)
    changed = await revise(app, LOCAL, "b", {"memory_type": MemoryType.EPISODIC})
    assert changed.memory_hash == hash_of(changed)
    assert await compact(app, LOCAL, EVERYTHING) == 2
    moved = await revise(app, LOCAL, "a", {"user_id": "ana"})
    assert moved.memory_hash == hash_of(moved)


async def test_nothing_to_change_an_empty_text_and_an_unknown_id_are_refused(app: Application) -> None:
    await remember(app, LOCAL, [memory("k")])
    with pytest.raises(RequestRefused):
        await revise(app, LOCAL, "k", {})
    for blank in ("", " \n"):
        with pytest.raises(RequestRefused):
            await revise(app, LOCAL, "k", {"text": blank})
    with pytest.raises(NotFound):
        await revise(app, LOCAL, "K", {"text": "x"})
    with pytest.raises(Conflict):
        await revise(app, LOCAL, "k", {"text": "x"}, if_revision=2)


async def test_a_caller_changes_neither_what_it_may_not_see_nor_where_it_may_not_write(app: Application) -> None:
    await remember(app, LOCAL, [memory("a", user_id="ana"), memory("b", user_id="bob")])
    ana = caller(users=["ana"])
    with pytest.raises(NotFound):
        await revise(app, ana, "b", {"text": "x"})
    for elsewhere in ("bob", ""):
        with pytest.raises(Forbidden):
            await revise(app, ana, "a", {"user_id": elsewhere})
    with pytest.raises(Forbidden):
        await revise(app, caller(can=frozenset({Action.READ})), "a", {"text": "x"})
    assert {each.revision for each in (await records(app, "a", "b")).values()} == {1}
