"""What says the same becomes one memory, what is contradicted becomes the past, and nothing else changes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agent_memory_server.domain.filters import EVERYTHING, PAST_TOO
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.consolidate import consolidate
from agent_memory_server.operations.recall import history
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.revise import revise
from tests.operations.given import NOW, SettableClock, memory, records

PARAPHRASES = [
    "User likes green tea.",
    "The user likes green tea",
    "user likes green tea!",
    "User enjoys green tea.",
    "The user loves green tea.",
    "I like green tea",
    "I really love green tea.",
    "User also likes the green tea.",
    "The user still enjoys green tea.",
    "User quite likes green tea.",
]


@pytest.fixture
def wide(on_each_engine: Application) -> Application:
    """Compares whatever is there: the embedder of the tests knows no meaning."""
    app = on_each_engine
    return replace(app, options=replace(app.options, duplicate_distance=2.0))


async def current(app: Application) -> list[Memory]:
    return list((await app.memories.list(EVERYWHERE, EVERYTHING, limit=500)).memories)


def fact(id_: str, text: str, n: int = 0, **fields: object) -> Memory:
    return memory(id_, text, **{"user_id": "ana", "created_at": NOW + n, **fields})


async def test_ten_paraphrases_and_their_contradiction_end_as_one_current_memory_with_a_history(
    wide: Application, clock: SettableClock
) -> None:
    clock.now += 100
    facts = [fact(f"p{n}", text, n, topics=(f"t{n}",), extracted_from=(f"m{n}",)) for n, text in enumerate(PARAPHRASES)]
    await remember(wide, LOCAL, facts)
    assert await consolidate(wide)
    (left,) = await current(wide)
    assert left.id == "p0"
    await remember(wide, LOCAL, [fact("no", "User does not like green tea.", 50)])
    assert await consolidate(wide) == 1
    (left,) = await current(wide)
    assert left.id == "no"
    versions = await history(wide, LOCAL, "no")
    assert {one.id for one in versions} >= {"no", *(one.id for one in facts)}
    first = (await records(wide, "p0"))["p0"]
    assert first.superseded_because == "contradicted"
    assert set(first.topics) == {f"t{n}" for n in range(10)}
    assert set(first.extracted_from) == {f"m{n}" for n in range(10)}
    assert await consolidate(wide) == 0


async def test_what_is_told_again_after_it_was_denied_is_current_again(wide: Application) -> None:
    await remember(wide, LOCAL, [fact("yes", "User likes tea"), fact("no", "User does not like tea", 1)])
    await consolidate(wide)
    assert [one.id for one in await current(wide)] == ["no"]
    await remember(wide, LOCAL, [fact("again", "The user likes tea", 2)])
    await consolidate(wide)
    assert [one.id for one in await current(wide)] == ["again"]


async def test_distinct_facts_stay_as_they_are(wide: Application) -> None:
    things = ["tea", "coffee", "dogs", "chess", "Rome", "jazz", "rain", "skiing", "bread", "maths"]
    likes = [f"User {verb} {thing}" for verb in ("likes", "fears", "studies", "collects") for thing in things]
    counted = [f"User's locker {n} has the code {n * 37}" for n in range(80)]
    dated = [f"User met Ana on 2024-05-{day:02}" for day in range(1, 29)]
    named = [f"User has a friend called {name}" for name in "Ana Eva Bob Tom Kim Max Leo Mia Ida Jon Ben Lea".split()]
    single = [f"User's favourite {thing} is {thing}1" for thing in (f"thing{n}" for n in range(40))]
    texts = [*likes, *counted, *dated, *named, *single]
    assert len(set(texts)) == 200
    await remember(wide, LOCAL, [fact(f"f{n}", text, n) for n, text in enumerate(texts)])
    assert await consolidate(wide) == 200
    assert len(await current(wide)) == 200
    assert (await wide.memories.list(EVERYWHERE, PAST_TOO, limit=1)).total == 200


async def test_nothing_is_merged_across_users_pins_metadata_or_event_dates(wide: Application) -> None:
    text = "User likes tea"
    await remember(
        wide,
        LOCAL,
        [
            fact("ana", text, session_id="1", pinned=True),
            fact("pinned", text, session_id="2", pinned=True),
            fact("bob", text, user_id="bob"),
            fact("note", text, session_id="3", event_date=NOW, metadata={"page": 1}),
            fact("other note", text, session_id="4", event_date=NOW, metadata={"page": 2}, pinned=True),
            fact("dated", text, session_id="5", event_date=NOW - 9, metadata={"page": 1}, pinned=True),
        ],
    )
    await consolidate(wide)
    left = {one.id: one for one in await current(wide)}
    assert set(left) == {"ana", "pinned", "bob", "other note", "dated"}
    assert left["ana"].pinned
    assert left["ana"].metadata == {"page": 1}
    assert left["ana"].event_date == NOW


async def test_edits_made_meanwhile_are_never_lost(wide: Application) -> None:
    await remember(wide, LOCAL, [fact(f"p{n}", text, n) for n, text in enumerate(PARAPHRASES)])

    async def edit() -> None:
        for n in range(10):
            await revise(wide, LOCAL, f"p{n}", {"metadata": {"edit": "kept"}})

    await asyncio.gather(consolidate(wide), edit(), consolidate(wide))
    await consolidate(wide)
    stored = await records(wide, *(f"p{n}" for n in range(10)))
    assert all(one.metadata == {"edit": "kept"} for one in stored.values())
    assert len(stored) == 10


async def test_it_compares_nothing_when_it_is_switched_off(wide: Application) -> None:
    off = replace(wide, options=replace(wide.options, consolidate=False))
    await remember(off, LOCAL, [fact("a", "User likes tea"), fact("b", "The user likes tea", 1)])
    assert await consolidate(off) == 0
    assert len(await current(off)) == 2
