"""Storing memories, and reading them without ranking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent_memory_server.domain.errors import Forbidden, InvalidRequest, NotFound, RequestRefused
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.principal import LOCAL, Action
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.compact import compact
from agent_memory_server.operations.forget import delete
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.recall import browse, history, recall
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.revise import revise
from agent_memory_server.operations.search import Question, search
from agent_memory_server.ports.memory_store import PutStatus
from tests.operations.given import NOW, FailingEmbedder, SettableClock, caller, memory, records
from tests.support.rest import application


async def test_a_memory_is_read_back_and_found_at_once(app: Application) -> None:
    (result,) = await remember(app, LOCAL, [memory("k", "the zebra crossing", topics=("roads",))])
    assert (result.id, result.status, result.embedded) == ("k", PutStatus.CREATED, True)
    stored = await recall(app, LOCAL, "k")
    assert (stored.text, stored.topics, stored.persisted_at) == ("the zebra crossing", ("roads",), NOW)
    assert [hit.memory.id for hit in (await search(app, LOCAL, Question(text="zebra"))).hits] == ["k"]


async def test_of_two_records_with_one_id_the_later_stays(app: Application) -> None:
    first, other, last = await remember(app, LOCAL, [memory("k", "first"), memory("o"), memory("k", "last")])
    assert [result.superseded for result in (first, other, last)] == [True, False, False]
    assert (await recall(app, LOCAL, "k")).text == "last"


async def test_equal_content_in_one_place_is_stored_once_when_asked(app: Application) -> None:
    await remember(app, LOCAL, [memory("a", "tea")])
    (again,) = await remember(app, LOCAL, [memory("b", "tea")])
    assert (again.id, again.status) == ("a", PutStatus.DUPLICATE)
    (kept,) = await remember(app, LOCAL, [memory("b", "tea")], deduplicate=False)
    assert (kept.id, kept.status) == ("b", PutStatus.CREATED)
    (elsewhere,) = await remember(app, LOCAL, [memory("c", "tea", user_id="ana")])
    assert elsewhere.status is PutStatus.CREATED


@pytest.mark.parametrize("text", [" ", "\n\t\u2003"])
async def test_a_blank_text_is_refused_and_nothing_is_stored(app: Application, text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await remember(app, LOCAL, [memory("a"), memory("b", text)])
    assert caught.value.field == "memories[1].text"
    assert not await records(app, "a", "b")


async def test_without_the_model_a_memory_is_stored_and_found_by_its_words(tmp_path: Path) -> None:
    async with application(tmp_path, embedder=FailingEmbedder(down=True)) as app:
        (result,) = await remember(app, LOCAL, [memory("k", "the zebra crossing")])
        assert not result.embedded
        assert app.owed.is_set()
        found = await search(app, LOCAL, Question(text="zebra"))
        assert [hit.memory.id for hit in found.hits] == ["k"]
        assert found.degraded


async def test_a_record_of_another_user_keeps_its_id(app: Application) -> None:
    await remember(app, LOCAL, [memory("k", "of bob", user_id="bob")])
    results = await remember(app, caller(users=["ana"]), [memory("k", "of ana"), memory("o")])
    assert [result.status for result in results] == [PutStatus.REFUSED, PutStatus.CREATED]
    found = await records(app, "k", "o")
    assert (found["k"].text, found["o"].user_id) == ("of bob", "ana")


async def test_one_record_outside_the_grant_refuses_all(app: Application) -> None:
    with pytest.raises(Forbidden):
        await remember(app, caller(users=["ana"]), [memory("a"), memory("b", user_id="bob")])
    assert not await records(app, "a", "b")


async def test_a_listing_walks_every_record_once_newest_first(app: Application) -> None:
    await remember(app, LOCAL, [memory(f"{n:02}", created_at=NOW + n // 3) for n in range(25)])
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await browse(app, LOCAL, EVERYTHING, limit=4, cursor=cursor)
        assert page.total == 25
        seen += [each.id for each in page.memories]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(seen) == [f"{n:02}" for n in range(25)]
    assert [int(id_) // 3 for id_ in seen] == sorted((n // 3 for n in range(25)), reverse=True)


async def test_a_caller_reads_and_lists_its_own_records_only(app: Application) -> None:
    await remember(app, LOCAL, [memory("a", user_id="ana"), memory("b", user_id="bob")])
    ana = caller(users=["ana"], can=frozenset({Action.READ}))
    assert (await recall(app, ana, "a")).id == "a"
    with pytest.raises(NotFound):
        await recall(app, ana, "b")
    assert [each.id for each in (await browse(app, ana, EVERYTHING, limit=10)).memories] == ["a"]
    for action in (Action.WRITE, Action.ADMIN):
        with pytest.raises(Forbidden):
            await recall(app, caller(can=frozenset({action})), "a")


async def current(app: Application) -> set[str]:
    return {one.id for one in (await browse(app, LOCAL, EVERYTHING, limit=99)).memories}


async def test_compaction_keeps_the_record_used_last_and_every_pinned_one(
    app: Application, clock: SettableClock
) -> None:
    given = [memory(str(n), "tea", last_accessed=NOW + n) for n in range(3)]
    await remember(app, LOCAL, [*given, memory("p", "tea", pinned=True), memory("o", "milk")], deduplicate=False)
    hashes_alone = replace(app, options=replace(app.options, consolidate=False))
    for _ in range(2):
        assert await compact(hashes_alone, LOCAL, EVERYTHING) == 3
        assert await current(app) == {"2", "p", "o"}
    for _ in range(2):
        assert await compact(app, LOCAL, EVERYTHING) == 2
        assert await current(app) == {"p", "o"}
    assert {one.id for one in await history(app, LOCAL, "p")} == {"p", "2", "1", "0"}


async def test_compaction_never_reaches_beyond_the_caller_or_joins_places(app: Application) -> None:
    users = ["ana", "ana", "bob", "bob"]
    given = [memory(str(n), "tea", user_id=user) for n, user in enumerate(users)]
    await remember(app, LOCAL, given, deduplicate=False)
    assert await compact(app, caller(users=["ana"]), EVERYTHING) == 1
    assert set(await records(app, "2", "3")) == {"2", "3"}
    assert await compact(app, LOCAL, EVERYTHING) == 2


async def test_without_long_term_memory_every_such_operation_is_refused(tmp_path: Path) -> None:
    async with application(tmp_path, rules=Options(long_term=False)) as app:
        for refused in (
            remember(app, LOCAL, [memory("k")]),
            recall(app, LOCAL, "k"),
            browse(app, LOCAL, EVERYTHING, limit=1),
            revise(app, LOCAL, "k", {"text": "x"}),
            delete(app, LOCAL, ["k"]),
            compact(app, LOCAL, EVERYTHING),
            search(app, LOCAL, Question(text="x")),
        ):
            with pytest.raises(RequestRefused, match="disabled"):
                await refused
