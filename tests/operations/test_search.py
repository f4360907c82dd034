"""Finding memories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.domain.errors import Forbidden, RequestRefused
from agent_memory_server.domain.filters import Filter, TextField, only
from agent_memory_server.domain.principal import LOCAL, Action
from agent_memory_server.domain.query import Mode
from agent_memory_server.domain.recency import Recency
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.search import Found, Question, search
from agent_memory_server.operations.upkeep import write_accesses
from tests.operations.given import NOW, FailingEmbedder, SettableClock, append, caller, memory, records, turn
from tests.support.rest import application

DAY_S = 86_400.0


def ids(found: Found) -> list[str]:
    return [hit.memory.id for hit in found.hits]


async def test_every_mode_finds_what_was_just_stored(app: Application) -> None:
    await remember(app, LOCAL, [memory("z", "a zebra"), memory("g", "a giraffe")])
    for mode in Mode:
        assert ids(await search(app, LOCAL, Question(text="zebra", mode=mode, limit=1))) == ["z"]


async def test_pages_are_complete_and_say_truly_where_they_end(app: Application) -> None:
    await remember(app, LOCAL, [memory(f"{n:02}", "zebra " * (n + 1)) for n in range(25)], deduplicate=False)
    for text, mode in (
        ("zebra", Mode.SEMANTIC),
        ("zebra", Mode.KEYWORD),
        ("zebra", Mode.HYBRID),
        (None, Mode.SEMANTIC),
    ):
        seen: list[str] = []
        offset: int | None = 0
        while offset is not None:
            found = await search(app, LOCAL, Question(text=text, mode=mode, limit=10, offset=offset, recency=None))
            assert found.total == 25
            seen += ids(found)
            offset = found.next_offset
        assert sorted(seen) == [f"{n:02}" for n in range(25)]
    behind = await search(app, LOCAL, Question(text="zebra", offset=25))
    assert (behind.hits, behind.total, behind.next_offset) == ((), 25, None)


async def test_a_filter_that_nothing_fits_finds_nothing(app: Application) -> None:
    await remember(app, LOCAL, [memory("k", "zebra", namespace="team")])
    other = Filter((only(TextField.NAMESPACE, "Team"),))
    for mode in Mode:
        found = await search(app, LOCAL, Question(text="zebra", mode=mode, filter=other))
        assert (found.hits, found.total) == ((), 0)


async def test_nobody_finds_memories_of_others_in_any_mode_or_listing(app: Application) -> None:
    await remember(app, LOCAL, [memory("a", "zebra", user_id="ana"), memory("b", "zebra", user_id="bob")])
    asked_for_bob = Filter((only(TextField.USER_ID, "bob"),))
    for mode in Mode:
        for text in ("zebra", None):
            assert ids(await search(app, caller(users=["ana"]), Question(text=text, mode=mode))) == ["a"]
            question = Question(text=text, mode=mode, filter=asked_for_bob)
            assert ids(await search(app, caller(users=["ana"]), question)) == []
    with pytest.raises(Forbidden):
        await search(app, caller(can=frozenset({Action.WRITE})), Question(text="zebra"))


async def test_a_sleeping_model_degrades_a_search_to_words_and_it_says_so(tmp_path: Path) -> None:
    embedder = FailingEmbedder()
    async with application(tmp_path, embedder=embedder) as app:
        await remember(app, LOCAL, [memory("z", "a zebra"), memory("g", "a giraffe")])
        embedder.down = True
        for mode in (Mode.SEMANTIC, Mode.HYBRID):
            found = await search(app, LOCAL, Question(text="zebra", mode=mode))
            assert ids(found) == ["z"]
            assert "the model sleeps" in found.degraded[0]
        assert not (await search(app, LOCAL, Question(text="zebra", mode=Mode.KEYWORD))).degraded


async def test_memories_without_a_vector_are_found_by_words_and_counted(app: Application) -> None:
    await remember(app, LOCAL, [memory("z", "a zebra")])
    await append(app, turn("1", "another zebra"), turn("2", "a giraffe"))
    found = await search(app, LOCAL, Question(text="zebra", limit=2))
    assert set(ids(found)) == {"z", "1"}
    assert found.degraded == ("2 memories are not embedded yet and were searched by words only",)
    assert not (await search(app, LOCAL, Question(text="zebra", mode=Mode.KEYWORD))).degraded


async def test_a_distance_is_a_bound_in_semantic_mode_only(app: Application) -> None:
    await remember(app, LOCAL, [memory("z", "zebra"), memory("g", "giraffe")])
    assert ids(await search(app, LOCAL, Question(text="zebra", within=0.1))) == ["z"]
    for mode in (Mode.KEYWORD, Mode.HYBRID):
        with pytest.raises(RequestRefused):
            await search(app, LOCAL, Question(text="zebra", mode=mode, within=0.1))


async def test_a_time_in_the_query_is_counted_from_now_or_from_the_time_given(app: Application) -> None:
    meetings = {"old": 40 * DAY_S, "lately": 5 * DAY_S}
    written = [memory(id_, "zebra meeting", created_at=NOW - ago) for id_, ago in meetings.items()]
    await remember(app, LOCAL, [*written, memory("far", "giraffe")], deduplicate=False)

    async def first(text: str, **more: Any) -> str:
        question = Question(text=text, mode=Mode.HYBRID, recency=None, **more)
        return ids(await search(app, LOCAL, question))[0]

    assert await first("zebra meeting five days ago") == "lately"
    assert await first("zebra meeting five days ago", now=NOW - 35 * DAY_S) == "old"
    assert await first("zebra meeting 40 days ago") == "old"
    assert {await first("zebra meeting", now=now) for now in (None, NOW, NOW - 35 * DAY_S)} == {"old"}


async def test_a_query_that_names_no_time_is_ranked_the_same_whenever_it_is_asked(app: Application) -> None:
    await remember(
        app, LOCAL, [memory(f"{n}", f"zebra {n}", created_at=NOW - n * DAY_S, event_date=NOW) for n in range(20)]
    )
    for text in ("zebra may march", "the second zebra", "sun and sat", "12 zebras or 3/4 of one"):
        asked = [
            await search(app, LOCAL, Question(text=text, mode=Mode.HYBRID, recency=None, now=now, explain=True))
            for now in (None, NOW - 300 * DAY_S)
        ]
        assert asked[0] == asked[1]
        assert all(hit.evidence and hit.evidence.date_factor == 1.0 for hit in asked[0].hits)


async def test_a_floor_that_the_model_has_no_estimates_for_is_told_and_not_applied(app: Application) -> None:
    await remember(app, LOCAL, [memory("z", "a zebra"), memory("g", "a giraffe")])
    for mode in Mode:
        found = await search(app, LOCAL, Question(text="zebra", mode=mode, min_relevance=0.9))
        if mode is Mode.KEYWORD:
            assert (ids(found), found.degraded) == (["z"], ())
        else:
            assert found.total == 2
            assert found.degraded == (
                "relevance is not known for deterministic in this mode; min_relevance was not applied",
            )


async def test_an_explained_result_shows_where_its_words_stand(app: Application) -> None:
    await remember(app, LOCAL, [memory("z", "We saw a giraffe, then zebras in the morning.")])
    for mode in Mode:
        (hit,) = (await search(app, LOCAL, Question(text="morning zebra", mode=mode, explain=True))).hits
        assert hit.evidence is not None
        assert hit.evidence.span is not None
        start, end = hit.evidence.span
        assert hit.memory.text[start:end] == "zebras in the morning"


async def test_recency_orders_the_page_and_can_be_left_out(app: Application) -> None:
    old = {"created_at": NOW - 300 * DAY_S, "last_accessed": NOW - 300 * DAY_S}
    await remember(app, LOCAL, [memory("old", "zebra", **old), memory("new", "zebra crossing")])
    assert ids(await search(app, LOCAL, Question(text="zebra", recency=None))) == ["old", "new"]
    mostly = Recency(similarity_weight=0.1, recency_weight=0.9)
    assert ids(await search(app, LOCAL, Question(text="zebra", recency=mostly))) == ["new", "old"]


async def test_an_access_is_counted_once_in_a_quarter_of_an_hour(app: Application, clock: SettableClock) -> None:
    await remember(app, LOCAL, [memory("z", "zebra")])
    for passed_s, count in ((899, 0), (1, 1), (899, 1), (1, 2)):
        clock.now += passed_s
        for _ in range(3):
            await search(app, LOCAL, Question(text="zebra"))
        await write_accesses(app)
        assert (await records(app, "z"))["z"].access_count == count
    assert (await records(app, "z"))["z"].revision == 1


async def test_a_search_without_recency_counts_as_no_access(app: Application, clock: SettableClock) -> None:
    await remember(app, LOCAL, [memory("z", "zebra")])
    clock.now += 10_000
    await search(app, LOCAL, Question(text="zebra", recency=None))
    assert await write_accesses(app) == 0
