"""The contract of `SessionStore`: appending, alone and among others."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, Strategy
from agent_memory_server.ports.session_store import SessionStore
from tests.contract.sessions import FULL, KEY, NOW, ids, message, messages, session, stored


async def test_an_append_makes_the_session_when_there_is_none(sessions: SessionStore) -> None:
    strategy = Strategy(name="summary", config={"max": 1})
    given = messages("ab")
    appended = await sessions.append(EVERYWHERE, KEY, given, now=NOW, ttl_seconds=60, strategy=strategy)
    assert appended.messages == given
    assert appended.session == session(
        created_at=NOW,
        updated_at=NOW,
        last_accessed=NOW,
        strategy=strategy,
        ttl_seconds=60,
        revision=1,
        message_count=2,
        owed_since=NOW,
        speakers=("user",),
    )
    assert await stored(sessions) == replace(appended.session, messages=given)


# The nearest binary numbers of these take seventeen digits, which not every engine reads to the last bit.
@pytest.mark.parametrize(
    "now", [1_795_628_674.085095, 1_795_628_675.017353, 1_795_677_716.981633, 1_796_151_779.161575]
)
async def test_the_time_of_an_append_is_the_one_that_was_given(sessions: SessionStore, now: float) -> None:
    appended = (await sessions.append(EVERYWHERE, KEY, messages("a"), now=now)).session
    assert (appended.owed_since, appended.updated_at, appended.last_accessed) == (now, now, now)
    assert replace(await stored(sessions), messages=()) == appended


async def test_an_append_leaves_everything_else_as_it_is(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, FULL, now=NOW)
    appended = await sessions.append(EVERYWHERE, KEY, [message("m3")], now=NOW + 1)
    head = replace(
        FULL, messages=(), revision=2, message_count=3, updated_at=NOW + 1, last_accessed=NOW + 1, owed_since=NOW
    )
    assert appended.session == head
    assert await stored(sessions) == replace(head, messages=(*FULL.messages, message("m3")))


async def test_an_append_can_change_strategy_and_time_to_live(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, FULL, now=NOW)
    strategy = Strategy(name="summary")
    appended = await sessions.append(EVERYWHERE, KEY, [], now=NOW, ttl_seconds=5, strategy=strategy)
    assert (appended.session.strategy, appended.session.ttl_seconds) == (strategy, 5)
    found = await stored(sessions)
    assert (found.strategy, found.ttl_seconds, found.revision, found.message_count) == (strategy, 5, 2, 2)


async def test_a_repeated_append_adds_nothing_and_answers_what_is_stored(sessions: SessionStore) -> None:
    first = replace(message("a"), persisted_at=5.0)
    await sessions.append(EVERYWHERE, KEY, [first], now=NOW)
    before = await stored(sessions)
    again = await sessions.append(EVERYWHERE, KEY, [replace(first, created_at=99.0, persisted_at=None)], now=NOW + 5)
    assert again.messages == (first,)
    assert again.session.revision == before.revision == 1
    found = await stored(sessions)
    assert replace(found, last_accessed=0.0) == replace(before, last_accessed=0.0)


async def test_an_append_that_is_partly_repeated_adds_only_what_is_new(sessions: SessionStore) -> None:
    a, b, c = messages("abc")
    await sessions.append(EVERYWHERE, KEY, [a, b], now=NOW)
    appended = await sessions.append(EVERYWHERE, KEY, [b, c, c, a], now=NOW)
    assert appended.messages == (b, c, c, a)
    assert (appended.session.message_count, appended.session.revision) == (3, 2)
    assert (await stored(sessions)).messages == (a, b, c)


@pytest.mark.parametrize("other", [message("b", "changed"), replace(message("b"), role="assistant")])
async def test_an_append_with_a_known_id_and_other_content_adds_nothing(sessions: SessionStore, other: Message) -> None:
    await sessions.append(EVERYWHERE, KEY, messages("ab"), now=NOW)
    before = await stored(sessions)
    with pytest.raises(Conflict, match="message b"):
        await sessions.append(EVERYWHERE, KEY, [message("new"), other], now=NOW)
    assert await stored(sessions) == before


async def test_an_append_with_one_id_and_two_contents_makes_no_session(sessions: SessionStore) -> None:
    with pytest.raises(Conflict):
        await sessions.append(EVERYWHERE, KEY, [message("a"), message("a", "other")], now=NOW)
    assert await sessions.get(EVERYWHERE, KEY, now=NOW) is None


async def test_an_id_of_another_session_is_free(sessions: SessionStore) -> None:
    other = replace(KEY, session_id="s2")
    await sessions.append(EVERYWHERE, KEY, [message("a", "one")], now=NOW)
    await sessions.append(EVERYWHERE, other, [message("a", "two")], now=NOW)
    assert [each.content for each in (await stored(sessions, other)).messages] == ["two"]


async def test_twenty_who_append_at_once_lose_nothing(sessions: SessionStore) -> None:
    async def append(task: int) -> None:
        for turn in range(5):
            await sessions.append(EVERYWHERE, KEY, messages([f"{task}.{turn}a", f"{task}.{turn}b"]), now=NOW)

    await asyncio.gather(*(append(task) for task in range(20)))
    found = await stored(sessions)
    order = ids(found.messages)
    assert len(order) == len(set(order)) == found.message_count == 200
    assert found.revision == 100
    for task in range(20):
        own = [id_ for id_ in order if id_.startswith(f"{task}.")]
        assert own == [f"{task}.{turn}{half}" for turn in range(5) for half in "ab"]
    for first in order[::2]:
        assert order[order.index(first) + 1] == first[:-1] + "b"  # one append stays together


async def test_of_many_conditional_puts_at_once_one_succeeds_each_round(sessions: SessionStore) -> None:
    """Twenty tasks each add 1 to `tokens` by reading and writing back; nobody's addition is lost."""

    async def add_one() -> None:
        while True:
            before = await sessions.get(EVERYWHERE, KEY, now=NOW)
            wanted = replace(before, tokens=before.tokens + 1) if before else session(tokens=1)
            try:
                await sessions.put(EVERYWHERE, wanted, now=NOW, if_revision=before.revision if before else 0)
            except Conflict:
                continue
            return

    await asyncio.gather(*(add_one() for _ in range(20)))
    found = await stored(sessions)
    assert (found.tokens, found.revision) == (20, 20)


async def test_puts_and_appends_at_once_lose_no_append(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, session(), now=NOW)

    async def append(number: int) -> None:
        await sessions.append(EVERYWHERE, KEY, [message(f"m{number}")], now=NOW)

    async def note(number: int) -> None:
        while True:
            before = await stored(sessions)
            data = {**(before.data or {}), f"k{number}": number}
            try:
                await sessions.put(EVERYWHERE, replace(before, data=data), now=NOW, if_revision=before.revision)
            except Conflict:
                continue
            return

    await asyncio.gather(*(work(number) for number in range(10) for work in (append, note)))
    found = await stored(sessions)
    assert set(ids(found.messages)) == {f"m{number}" for number in range(10)}
    assert found.data == {f"k{number}": number for number in range(10)}
