"""The contract of `SessionStore`: which sessions have outgrown their windows is part of the state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_memory_server.domain.bound import Bound
from agent_memory_server.domain.errors import Forbidden
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.session import MOST_SPEAKERS, Message, SessionKey
from agent_memory_server.domain.tokens import tokens_of
from agent_memory_server.ports.session_store import OwedSession, SessionStore
from tests.contract.sessions import KEY, NOW, message, messages, session, stored

EACH = tokens_of(messages("a"))
"""Tokens of each message of this module."""
OTHER = Scope(frozenset({"elsewhere"}), None)


def bound(count: float, *, otherwise: float = 0) -> Bound:
    """A window, named by the write, and one for sessions that have none; in messages that fit."""
    return Bound(window=int(count * EACH) if count else None, otherwise=int(otherwise * EACH), share=1.0)


async def owed(sessions: SessionStore, *, now: float = NOW) -> list[OwedSession]:
    return list(await sessions.owed_foldings(now=now, limit=100))


@pytest.mark.parametrize("way", ["put", "append"])
async def test_a_session_is_owed_a_folding_from_the_write_on_that_outgrows_its_window(
    sessions: SessionStore, way: str
) -> None:
    async def write(ids: str, now: float) -> float | None:
        if way == "put":
            return (
                await sessions.put(EVERYWHERE, session(messages=messages(ids)), now=now, bound=bound(2))
            ).outgrown_since
        return (await sessions.append(EVERYWHERE, KEY, messages(ids), now=now, bound=bound(2))).session.outgrown_since

    assert await write("ab", NOW) is None
    assert await owed(sessions) == []
    assert await write("abc", NOW + 1) == NOW + 1
    assert await write("abcd", NOW + 2) == NOW + 1
    assert (await stored(sessions)).outgrown_since == NOW + 1
    assert await owed(sessions) == [OwedSession(key=KEY, since=NOW + 1)]
    assert (await stored(sessions)).window == 2 * EACH


async def test_only_part_of_the_window_may_be_filled(sessions: SessionStore) -> None:
    half = Bound(window=4 * EACH, otherwise=0, share=0.5)
    assert (await sessions.append(EVERYWHERE, KEY, messages("ab"), now=NOW, bound=half)).session.outgrown_since is None
    assert (await sessions.append(EVERYWHERE, KEY, messages("c"), now=NOW, bound=half)).session.outgrown_since == NOW


async def test_repeated_messages_are_counted_once(sessions: SessionStore) -> None:
    for _ in range(4):
        await sessions.append(EVERYWHERE, KEY, messages("ab"), now=NOW, bound=bound(2))
    head = (await sessions.append(EVERYWHERE, KEY, messages("ab"), now=NOW, bound=bound(2))).session
    assert head.outgrown_since is None


async def test_an_append_without_a_window_keeps_the_one_the_session_has(sessions: SessionStore) -> None:
    await sessions.append(EVERYWHERE, KEY, messages("ab"), now=NOW, bound=bound(2, otherwise=9))
    await sessions.append(EVERYWHERE, KEY, messages("c"), now=NOW, bound=bound(0, otherwise=9))
    assert len(await owed(sessions)) == 1
    assert (await stored(sessions)).window == 2 * EACH
    await sessions.append(EVERYWHERE, KEY, messages("d"), now=NOW, bound=bound(9))
    assert await owed(sessions) == []


async def test_a_put_without_a_window_is_measured_by_the_other_one(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, session(messages=messages("abc")), now=NOW, bound=bound(2))
    await sessions.put(EVERYWHERE, session(messages=messages("abc")), now=NOW, bound=bound(0, otherwise=3))
    assert await owed(sessions) == []
    await sessions.put(EVERYWHERE, session(messages=messages("abcd")), now=NOW, bound=bound(0, otherwise=3))
    assert await owed(sessions) == [OwedSession(key=KEY, since=NOW)]
    await sessions.put(EVERYWHERE, session(messages=messages("abcd")), now=NOW, bound=bound(0))
    assert await owed(sessions) == []


@pytest.mark.parametrize("way", ["put", "append"])
async def test_a_write_that_says_nothing_of_it_settles_nothing(sessions: SessionStore, way: str) -> None:
    await sessions.put(EVERYWHERE, session(messages=messages("abc")), now=NOW, bound=bound(2))
    if way == "put":
        await sessions.put(EVERYWHERE, session(messages=messages("a")), now=NOW + 1)
    else:
        await sessions.append(EVERYWHERE, KEY, messages("d"), now=NOW + 1)
    assert await owed(sessions) == [OwedSession(key=KEY, since=NOW)]
    assert (await stored(sessions)).window == 2 * EACH


async def test_it_is_owed_until_somebody_says_that_it_fits(sessions: SessionStore) -> None:
    kept = await sessions.put(EVERYWHERE, session(messages=messages("abcd")), now=NOW, bound=bound(2))
    head = await sessions.fold(
        EVERYWHERE, KEY, kept.messages[:3], context="so far", if_context=None, tokens=0, now=NOW + 1
    )
    assert len(await owed(sessions)) == 1
    told = {"revision": head.revision, "tokens": EACH}
    assert await sessions.counted(EVERYWHERE, KEY, **told, outgrown=True, now=NOW + 1)
    assert (await stored(sessions)).outgrown_since == NOW
    before = await stored(sessions)
    assert await sessions.counted(EVERYWHERE, KEY, **told, outgrown=False, now=NOW + 1)
    assert await stored(sessions) == replace(before, outgrown_since=None)
    assert await owed(sessions) == []
    grown = await sessions.append(EVERYWHERE, KEY, messages("e"), now=NOW + 2, bound=bound(0))
    assert grown.session.outgrown_since is None
    grown = await sessions.append(EVERYWHERE, KEY, messages("f"), now=NOW + 3, bound=bound(0))
    assert grown.session.outgrown_since == NOW + 3


async def test_a_count_is_taken_as_it_is_told(sessions: SessionStore) -> None:
    head = (await sessions.append(EVERYWHERE, KEY, messages("ab"), now=NOW, bound=bound(4))).session
    await sessions.counted(EVERYWHERE, KEY, revision=head.revision, tokens=4 * EACH, outgrown=False, now=NOW)
    head = (await sessions.append(EVERYWHERE, KEY, messages("c"), now=NOW, bound=bound(4))).session
    assert head.outgrown_since == NOW


async def test_a_count_of_another_revision_changes_nothing(sessions: SessionStore) -> None:
    head = (await sessions.append(EVERYWHERE, KEY, messages("abc"), now=NOW, bound=bound(2))).session
    await sessions.append(EVERYWHERE, KEY, messages("d"), now=NOW)
    told = {"revision": head.revision, "tokens": 0, "outgrown": False, "now": NOW}
    assert not await sessions.counted(EVERYWHERE, KEY, **told)  # type: ignore[arg-type]
    assert len(await owed(sessions)) == 1
    with pytest.raises(Forbidden):
        await sessions.counted(OTHER, KEY, **told)  # type: ignore[arg-type]
    await sessions.delete(EVERYWHERE, KEY, now=NOW)
    assert not await sessions.counted(EVERYWHERE, KEY, **told)  # type: ignore[arg-type]
    assert await owed(sessions) == []


async def test_owed_sessions_come_oldest_first_page_by_page_and_only_while_they_last(sessions: SessionStore) -> None:
    for number, since in [(1, 2.0), (2, 1.0), (3, 2.0), (4, 3.0)]:
        key = replace(KEY, session_id=f"s{number}")
        ttl = 10 if number == 4 else None
        await sessions.append(EVERYWHERE, key, messages("ab"), now=NOW + since, ttl_seconds=ttl, bound=bound(1))
    found: list[str] = []
    after: OwedSession | None = None
    while page := await sessions.owed_foldings(now=NOW + 5, limit=2, after=after):
        found += [each.key.session_id for each in page]
        after = page[-1]
    assert found == ["s2", "s1", "s3", "s4"]
    assert len(await owed(sessions, now=NOW + 20)) == 3


async def test_every_session_that_is_written_is_counted(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, session(messages=messages("ab")), now=NOW)
    await sessions.append(EVERYWHERE, SessionKey("team", "ann", "s2"), messages("ab"), now=NOW)
    assert list(await sessions.uncounted(now=NOW, limit=10)) == []


async def test_who_spoke_is_remembered_when_the_messages_are_folded(sessions: SessionStore) -> None:
    def said(*roles: str) -> list[Message]:
        return [replace(message(f"{role}-{n}"), role=role) for n, role in enumerate(roles)]

    first = said("Mel", "Caroline", "Mel", 'o "/" ☃')
    await sessions.append(EVERYWHERE, KEY, first, now=NOW)
    await sessions.fold(EVERYWHERE, KEY, first, context="so far", if_context=None, tokens=0, now=NOW)
    head = (await sessions.append(EVERYWHERE, KEY, said("Zoe"), now=NOW)).session
    assert head.speakers == ("Mel", "Caroline", 'o "/" ☃', "Zoe")
    again = await sessions.put(EVERYWHERE, session(messages=tuple(said("Ann"))), now=NOW)
    assert again.speakers == (*head.speakers, "Ann")
    assert (await stored(sessions)).speakers == again.speakers
    many = said(*(f"guest {n}" for n in range(2 * MOST_SPEAKERS)))
    head = (await sessions.append(EVERYWHERE, KEY, many, now=NOW)).session
    assert len(head.speakers) == MOST_SPEAKERS
    assert head.speakers[:5] == again.speakers
