"""The MemoryStore port: what a hybrid search makes of times, of what says the same, and of relevance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent_memory_server.domain.filters import Filter, TextField, only
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.periods import IN_PERIOD
from agent_memory_server.domain.query import Mode, Period, Ranked, StoreQuery
from agent_memory_server.domain.relevance import Estimates, Logistic
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.words import query_terms
from agent_memory_server.ports.memory_store import MemoryStore, MemoryWrite
from tests.contract.memories import NOW, direction, write

DAY_S = 86_400.0
ASKED = StoreQuery(mode=Mode.HYBRID, vector=direction(0), terms=query_terms("tea"), text="tea", limit=100)
ESTIMATES = Estimates(both=Logistic(meaning=8.0, words=8.0, bias=-8.0), meaning=Logistic(meaning=10.0, bias=-5.0))


def _ids(ranked: Ranked) -> list[str]:
    return [hit.memory.id for hit in ranked.hits]


def turn(id_: str, text: str, **fields: Any) -> MemoryWrite:
    given = {"memory_type": MemoryType.MESSAGE, "session_id": "s", "extracted_from": (id_,)}
    return write(id_, f"Ada: {text}", **(given | fields))


def fact(id_: str, text: str, *sources: str, **fields: Any) -> MemoryWrite:
    return write(id_, text, **({"session_id": "s", "extracted_from": sources} | fields))


async def test_records_of_a_time_that_the_query_names_come_first_from_wherever_they_are(memories: MemoryStore) -> None:
    writes = [write(f"{n}", "tea " * (n % 3 + 1), at=n / 10, created_at=NOW + n) for n in range(150)]
    long_ago = NOW - 300 * DAY_S
    then = [write("then", at=16.0, created_at=long_ago), write("rest", "milk", at=120.0, created_at=long_ago)]
    event = write("event", at=25.0, event_date=long_ago + 60)
    await memories.put(EVERYWHERE, [*writes, *then, event], now=NOW)
    assert not {"then", "event"} & set(_ids(await memories.search(EVERYWHERE, replace(ASKED, limit=20))))
    asked = replace(ASKED, periods=(Period(long_ago - 5, long_ago + DAY_S),), explain=True)
    ranked = await memories.search(EVERYWHERE, replace(asked, limit=20))
    assert _ids(ranked)[:2] == ["then", "event"]
    assert [hit.evidence.date_factor for hit in ranked.hits if hit.evidence] == [1 + IN_PERIOD] * 2 + [1.0] * 18
    pages = [await memories.search(EVERYWHERE, replace(asked, limit=40, offset=n)) for n in range(0, 160, 40)]
    assert sorted(id_ for page in pages for id_ in _ids(page)) == sorted(
        [*map(str, range(150)), "then", "rest", "event"]
    )
    assert {page.total for page in pages} == {153}


async def test_a_time_does_not_widen_scope_filter_or_phrases(memories: MemoryStore) -> None:
    places = [("in", "ana", "s"), ("other", "ana", "t"), ("foreign", "bob", "s")]
    await memories.put(
        EVERYWHERE,
        [write(id_, "green tea", user_id=user, session_id=session) for id_, user, session in places],
        now=NOW,
    )
    asked = replace(ASKED, periods=(Period(NOW, NOW + 1),), filter=Filter((only(TextField.SESSION_ID, "s"),)))
    ana = Scope(None, frozenset({"ana"}))
    assert _ids(await memories.search(ana, asked)) == ["in"]
    phrase = replace(asked, terms=query_terms('"black tea"', phrases_required=True))
    assert _ids(await memories.search(ana, phrase)) == []


async def test_a_fact_and_its_message_are_one_result_that_names_the_other(memories: MemoryStore) -> None:
    writes = [
        turn("m", "I drink green tea", at=10.0),
        fact("f", "Ada drinks green tea", "m", at=0.0),
        fact("g", "Ada likes green", "m", at=20.0),
        fact("x", "green tea", "m", at=30.0, session_id="another"),
        turn("n", "milk", at=60.0),
    ]
    await memories.put(EVERYWHERE, writes, now=NOW)
    ranked = await memories.search(EVERYWHERE, replace(ASKED, explain=True))
    stood_for = {hit.memory.id: hit.evidence.also for hit in ranked.hits if hit.evidence}
    assert stood_for == {"f": ("m",), "g": (), "x": (), "n": ()}
    assert ranked.total == 4
    await memories.delete(EVERYWHERE, ["f"])
    ranked = await memories.search(EVERYWHERE, replace(ASKED, explain=True))
    stood_for = {hit.memory.id: hit.evidence.also for hit in ranked.hits if hit.evidence}
    assert stood_for == {"m": ("g",), "x": (), "n": ()}
    other_modes = [replace(ASKED, mode=Mode.SEMANTIC), replace(ASKED, mode=Mode.KEYWORD)]
    assert [(await memories.search(EVERYWHERE, asked)).total for asked in other_modes] == [4, 2]


async def test_pages_and_total_are_true_where_results_stand_for_others(memories: MemoryStore) -> None:
    turns = [turn(f"m{n}", f"tea {n}", at=n / 2, created_at=NOW + n) for n in range(150)]
    facts = [fact(f"f{n}", f"tea {n}", f"m{n}", at=n / 2 + 0.2) for n in range(0, 150, 3)]
    owed = [write(f"o{n}", "tea", at=None) for n in range(5)]
    await memories.put(EVERYWHERE, [*turns, *facts, *owed], now=NOW)
    seen: list[str] = []
    while True:
        page = await memories.search(EVERYWHERE, replace(ASKED, limit=30, offset=len(seen)))
        seen += _ids(page)
        if len(seen) >= page.total:
            break
        assert len(page.hits) == 30
    assert (len(seen), len(set(seen)), page.total) == (page.total, page.total, len(seen))
    assert page.total < 205
    for n in range(0, 150, 3):
        assert {f"m{n}", f"f{n}"} & set(seen)


@pytest.mark.parametrize("mode", Mode)
async def test_a_floor_leaves_out_what_is_not_relevant_in_every_mode_and_total_says_so(
    memories: MemoryStore, mode: Mode
) -> None:
    writes = [write(f"{n}", "tea" if n < 30 else "milk " * (n % 5 + 1), at=float(n)) for n in range(90)]
    await memories.put(EVERYWHERE, [*writes, write("owed", "milk", at=None)], now=NOW)
    asked = replace(ASKED, mode=mode, estimates=ESTIMATES)
    everything = await memories.search(EVERYWHERE, asked)
    relevance = {hit.memory.id: hit.relevance for hit in everything.hits}
    assert all(one is not None and 0 <= one <= 1 for one in relevance.values())
    wanted = [hit.memory.id for hit in everything.hits if hit.relevance is not None and hit.relevance >= 0.6]
    assert 10 < len(wanted) <= everything.total
    floored = replace(asked, min_relevance=0.6)
    ranked = await memories.search(EVERYWHERE, floored)
    assert (_ids(ranked), ranked.total) == (wanted, len(wanted))
    pages = [await memories.search(EVERYWHERE, replace(floored, limit=4, offset=n)) for n in range(0, 96, 4)]
    assert [id_ for page in pages for id_ in _ids(page)] == wanted
    assert {page.total for page in pages} == {len(wanted)}
    nothing = await memories.search(EVERYWHERE, replace(floored, min_relevance=1.0))
    assert (_ids(nothing), nothing.total) == ([], 0)
    assert (await memories.search(EVERYWHERE, replace(asked, min_relevance=0.0))).total == everything.total


async def test_words_that_nobody_has_make_every_record_less_relevant(memories: MemoryStore) -> None:
    await memories.put(EVERYWHERE, [write("a", "tea with milk"), write("b", "coffee")], now=NOW)
    asked = replace(ASKED, mode=Mode.KEYWORD)
    (all_of_it,) = (await memories.search(EVERYWHERE, asked)).hits
    (a_part,) = (await memories.search(EVERYWHERE, replace(asked, terms=query_terms("tea Katmandu expedition")))).hits
    assert all_of_it.relevance is not None
    assert a_part.relevance is not None
    assert a_part.relevance < 0.3
    assert all_of_it.relevance > 0.9


async def test_near_repeats_move_behind_what_tells_something_else(memories: MemoryStore) -> None:
    writes = [write(f"same{n}", "tea", at=n / 10) for n in range(3)] + [write("other", "tea", at=30.0)]
    await memories.put(EVERYWHERE, [*writes, write("far", "milk", at=150.0)], now=NOW)
    ranked = await memories.search(EVERYWHERE, ASKED)
    assert _ids(ranked) == ["same0", "other", "far", "same1", "same2"]
    scores = [hit.score for hit in ranked.hits if hit.score is not None]
    assert scores == sorted(scores, reverse=True)
