"""The contract of `SessionStore`: reading and replacing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.ports.session_store import SessionStore
from tests.contract.sessions import FULL, KEY, NOW, ids, message, messages, session, stored


async def test_a_session_comes_back_exactly_as_it_was_put(sessions: SessionStore) -> None:
    answer = await sessions.put(EVERYWHERE, FULL, now=NOW)
    assert answer == replace(FULL, revision=1, message_count=2, owed_since=NOW)
    assert await stored(sessions) == answer


@pytest.mark.parametrize("data", [None, {}])
async def test_data_never_set_differs_from_empty_data(sessions: SessionStore, data: dict[str, Any] | None) -> None:
    await sessions.put(EVERYWHERE, session(data=data), now=NOW)
    assert (await stored(sessions)).data == data


async def test_a_session_that_was_never_stored_is_none(sessions: SessionStore) -> None:
    assert await sessions.get(EVERYWHERE, KEY, now=NOW) is None
    assert await sessions.delete(EVERYWHERE, KEY, now=NOW) is False


ODD = [
    "",
    ":",
    "a:b",
    "|",
    "a|b",
    "a\x00b",
    "a",
    "A",
    "é",
    "e\u0301",
    "%",
    "_",
    "*",
    "'\"",
    "\\",
    " ",
    "a ",
    "\n",
    "😀",
    "x" * 500,
]


async def test_names_can_hold_any_character_and_never_meet(sessions: SessionStore) -> None:
    keys = [SessionKey(*parts) for name in ODD for parts in ((name, "u", "s"), ("n", name, "s"), ("n", "u", name))]
    keys += [SessionKey("a:b", "c", "s"), SessionKey("a", "b:c", "s"), SessionKey("a", "b", "c:s")]
    for number, key in enumerate(keys):
        assert await sessions.get(EVERYWHERE, key, now=NOW) is None
        await sessions.put(EVERYWHERE, session(key, tokens=number, messages=messages([number])), now=NOW)
    for number, key in enumerate(keys):
        found = await stored(sessions, key)
        assert (found.key, found.tokens, ids(found.messages)) == (key, number, [str(number)])
        listed = await sessions.find(EVERYWHERE, key.session_id, namespace=key.namespace, user_id=key.user_id, now=NOW)
        assert listed == [key]
    assert await sessions.delete(EVERYWHERE, keys[0], now=NOW) is True
    page = await sessions.list(EVERYWHERE, namespace=None, user_id=None, limit=1000, offset=0, now=NOW)
    assert set(page.keys) == set(keys[1:])
    assert page.total == len(keys) - 1


async def test_messages_are_read_in_the_order_they_were_stored(sessions: SessionStore) -> None:
    given = (message("b", at=3.0), message("a", at=1.0), message("c", at=2.0))
    await sessions.put(EVERYWHERE, session(messages=given[:2]), now=NOW)
    await sessions.append(EVERYWHERE, KEY, given[2:], now=NOW)
    assert (await stored(sessions)).messages == given


@pytest.mark.parametrize(
    ("last", "expected"), [(0, []), (1, ["b"]), (2, ["c", "b"]), (3, ["d", "c", "b"]), (9, ["a", "d", "c", "b"])]
)
async def test_the_last_messages_are_the_latest_by_time_oldest_first(
    sessions: SessionStore, last: int, expected: list[str]
) -> None:
    given = (message("b", at=3.0), message("a", at=1.0), message("d", at=2.0), message("c", at=2.0))
    await sessions.append(EVERYWHERE, KEY, given, now=NOW)
    found = await sessions.get(EVERYWHERE, KEY, now=NOW, last=last)
    assert found is not None
    assert ids(found.messages) == expected
    assert found.message_count == 4


async def test_find_answers_at_most_two_keys_with_exactly_this_id(sessions: SessionStore) -> None:
    places = [("n1", "ann"), ("n1", "bob"), ("n2", "ann"), ("", "")]
    for at, (namespace, user) in enumerate(places):
        await sessions.put(EVERYWHERE, session(SessionKey(namespace, user, "s"), created_at=float(at)), now=NOW)
        await sessions.put(EVERYWHERE, session(SessionKey(namespace, user, "S")), now=NOW)

    async def find(namespace: str | None, user_id: str | None, scope: Scope = EVERYWHERE) -> list[SessionKey]:
        return list(await sessions.find(scope, "s", namespace=namespace, user_id=user_id, now=NOW))

    assert await find("n1", "ann") == [SessionKey("n1", "ann", "s")]
    assert await find("n1", None) == [SessionKey("n1", "ann", "s"), SessionKey("n1", "bob", "s")]
    assert await find(None, "bob") == [SessionKey("n1", "bob", "s")]
    assert await find("", "") == [SessionKey("", "", "s")]
    assert len(await find(None, None)) == 2
    assert await find("N1", None) == []
    assert await find(None, None, Scope(frozenset({"n2"}), None)) == [SessionKey("n2", "ann", "s")]
    assert await find("n1", None, Scope(frozenset({"n2"}), None)) == []


async def test_listing_pages_through_all_sessions_oldest_first(sessions: SessionStore) -> None:
    for number in (3, 1, 2, 0, 4):
        key = SessionKey("n", "u" if number < 4 else "v", f"s{number}")
        await sessions.put(EVERYWHERE, session(key, created_at=float(number)), now=NOW)
    seen = []
    for offset in (0, 2, 4, 6):
        page = await sessions.list(EVERYWHERE, namespace=None, user_id=None, limit=2, offset=offset, now=NOW)
        assert page.total == 5
        seen += [key.session_id for key in page.keys]
    assert seen == ["s0", "s1", "s2", "s3", "s4"]
    of_user = await sessions.list(EVERYWHERE, namespace="n", user_id="v", limit=10, offset=0, now=NOW)
    assert ([key.session_id for key in of_user.keys], of_user.total) == (["s4"], 1)
    nowhere = await sessions.list(EVERYWHERE, namespace="", user_id=None, limit=10, offset=0, now=NOW)
    assert (nowhere.keys, nowhere.total) == ((), 0)


@pytest.mark.parametrize("offset", [1, 1_000_001, 10**9])
async def test_a_page_behind_the_end_is_empty_and_has_the_true_total(sessions: SessionStore, offset: int) -> None:
    await sessions.put(EVERYWHERE, session(), now=NOW)
    page = await sessions.list(EVERYWHERE, namespace=None, user_id=None, limit=10, offset=offset, now=NOW)
    assert (page.keys, page.total) == ((), 1)


async def test_a_put_replaces_everything_and_raises_the_revision(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, FULL, now=NOW)
    bare = session(messages=messages("x"))
    answer = await sessions.put(EVERYWHERE, bare, now=NOW)
    assert answer == replace(bare, revision=2, message_count=1, owed_since=NOW, speakers=("user", "assistant"))
    assert await stored(sessions) == answer


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("abc", "abcde"),
        ("abcde", "cde"),
        ("abcde", "cdefg"),
        ("abcde", ""),
        ("", "ab"),
        ("abcd", "dcba"),
        ("abcd", "xabcd"),
        ("abcd", "abxd"),
        ("abcd", "adbc"),
        ("abcd", "wxyz"),
        ("abcd", "acxbd"),
    ],
)
async def test_any_list_of_messages_can_replace_any_other(sessions: SessionStore, before: str, after: str) -> None:
    await sessions.put(EVERYWHERE, session(messages=messages(before)), now=NOW)
    wanted = messages(after)
    await sessions.put(EVERYWHERE, session(messages=wanted), now=NOW)
    found = await stored(sessions)
    assert found.messages == wanted
    assert found.message_count == len(after)
    appended = await sessions.append(EVERYWHERE, KEY, [message("new")], now=NOW)
    assert appended.session.message_count == len(after) + 1
    assert ids((await stored(sessions)).messages) == [*after, "new"]


async def test_a_put_changes_marks_and_content_of_messages_that_stay(sessions: SessionStore) -> None:
    a, b, c = messages("abc")
    await sessions.put(EVERYWHERE, session(messages=(a, b, c)), now=NOW)
    wanted = (
        replace(a, persisted_at=9.0),
        replace(b, content="other", role="system", created_at=77.0),
        replace(c, discrete_memory_extracted=True),
    )
    await sessions.put(EVERYWHERE, session(messages=wanted), now=NOW)
    assert (await stored(sessions)).messages == wanted


async def test_a_repeated_message_in_one_put_is_stored_once(sessions: SessionStore) -> None:
    a, b = messages("ab")
    answer = await sessions.put(EVERYWHERE, session(messages=(a, b, a)), now=NOW)
    assert answer.messages == (await stored(sessions)).messages == (a, b)
    assert answer.message_count == 2


async def test_one_message_id_with_two_contents_is_refused_and_nothing_changes(sessions: SessionStore) -> None:
    before = await sessions.put(EVERYWHERE, session(messages=messages("ab")), now=NOW)
    with pytest.raises(Conflict, match="message a"):
        await sessions.put(EVERYWHERE, session(messages=(message("a"), message("a", "other"))), now=NOW)
    assert await stored(sessions) == before


async def test_revision_zero_asks_that_no_session_is_there(sessions: SessionStore) -> None:
    first = await sessions.put(EVERYWHERE, session(tokens=1), now=NOW, if_revision=0)
    with pytest.raises(Conflict, match="already"):
        await sessions.put(EVERYWHERE, session(tokens=2), now=NOW, if_revision=0)
    assert await stored(sessions) == first


async def test_a_put_on_another_revision_is_refused_and_nothing_changes(sessions: SessionStore) -> None:
    with pytest.raises(Conflict):
        await sessions.put(EVERYWHERE, session(), now=NOW, if_revision=1)
    await sessions.put(EVERYWHERE, session(tokens=1), now=NOW)
    second = await sessions.put(EVERYWHERE, session(tokens=2), now=NOW, if_revision=1)
    for wrong in (0, 1, 3):
        with pytest.raises(Conflict):
            await sessions.put(EVERYWHERE, session(tokens=3), now=NOW, if_revision=wrong)
    assert await stored(sessions) == second


async def test_a_conditional_put_never_overwrites_an_append_it_has_not_seen(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, session(messages=messages("a")), now=NOW)
    read = await stored(sessions)
    await sessions.append(EVERYWHERE, KEY, [message("b")], now=NOW)
    with pytest.raises(Conflict):
        await sessions.put(EVERYWHERE, replace(read, messages=()), now=NOW, if_revision=read.revision)
    assert ids((await stored(sessions)).messages) == ["a", "b"]


async def test_a_conditional_put_never_revives_a_deleted_session(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, session(), now=NOW)
    read = await stored(sessions)
    assert await sessions.delete(EVERYWHERE, KEY, now=NOW) is True
    with pytest.raises(Conflict):
        await sessions.put(EVERYWHERE, read, now=NOW, if_revision=read.revision)
    assert await sessions.get(EVERYWHERE, KEY, now=NOW) is None
