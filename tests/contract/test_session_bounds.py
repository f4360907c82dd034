"""The contract of `SessionStore`: when a session ends, and who may reach it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_memory_server.domain.errors import Conflict, Forbidden
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.session_store import SessionStore
from tests.contract.sessions import FULL, KEY, NOW, ids, message, messages, session, stored


async def test_a_deleted_session_is_gone_with_its_messages(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, FULL, now=NOW)
    assert await sessions.delete(EVERYWHERE, KEY, now=NOW) is True
    assert await sessions.delete(EVERYWHERE, KEY, now=NOW) is False
    assert await sessions.get(EVERYWHERE, KEY, now=NOW) is None
    appended = await sessions.append(EVERYWHERE, KEY, [message("m1", "other content")], now=NOW)
    assert appended.session.revision == 1
    assert ids((await stored(sessions)).messages) == ["m1"]


async def test_a_session_ends_its_time_to_live_after_its_last_write(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, session(ttl_seconds=60), now=NOW)
    assert await sessions.get(EVERYWHERE, KEY, now=NOW + 59.9) is not None
    await sessions.append(EVERYWHERE, KEY, [message("a")], now=NOW + 59.9)
    assert await sessions.get(EVERYWHERE, KEY, now=NOW + 119.8) is not None
    assert await sessions.get(EVERYWHERE, KEY, now=NOW + 119.9) is None


async def test_a_session_without_a_time_to_live_never_ends(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, session(ttl_seconds=5), now=NOW)
    await sessions.put(EVERYWHERE, session(ttl_seconds=None), now=NOW)
    assert await sessions.purge_expired(now=NOW * 1e6) == 0
    assert await sessions.get(EVERYWHERE, KEY, now=NOW * 1e6) is not None


async def test_an_expired_session_exists_for_no_call(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, session(ttl_seconds=10, messages=messages("a")), now=NOW)
    later = NOW + 10
    assert await sessions.get(EVERYWHERE, KEY, now=later) is None
    assert await sessions.find(EVERYWHERE, KEY.session_id, namespace=None, user_id=None, now=later) == []
    page = await sessions.list(EVERYWHERE, namespace=None, user_id=None, limit=10, offset=0, now=later)
    assert (page.keys, page.total) == ((), 0)
    with pytest.raises(Conflict):
        await sessions.put(EVERYWHERE, session(), now=later, if_revision=1)
    renewed = await sessions.put(EVERYWHERE, session(messages=messages("b")), now=later, if_revision=0)
    assert (renewed.revision, ids((await stored(sessions, now=later)).messages)) == (1, ["b"])


async def test_an_append_to_an_expired_session_begins_a_new_one(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, replace(FULL, ttl_seconds=10), now=NOW)
    appended = await sessions.append(EVERYWHERE, KEY, [message("m1", "new")], now=NOW + 10)
    assert appended.session == session(
        created_at=NOW + 10,
        updated_at=NOW + 10,
        last_accessed=NOW + 10,
        revision=1,
        message_count=1,
        owed_since=NOW + 10,
        speakers=("user",),
    )
    assert ids((await stored(sessions, now=NOW + 10)).messages) == ["m1"]


async def test_deleting_a_session_whose_time_is_over_finds_none(sessions: SessionStore) -> None:
    await sessions.put(EVERYWHERE, session(ttl_seconds=60), now=NOW)
    assert await sessions.delete(EVERYWHERE, KEY, now=NOW + 60) is False
    assert await sessions.purge_expired(now=NOW + 60) == 1


async def test_purging_deletes_exactly_the_expired_sessions_within_its_limit(sessions: SessionStore) -> None:
    for number in range(5):
        key = replace(KEY, session_id=f"s{number}")
        await sessions.put(EVERYWHERE, session(key, ttl_seconds=10 * number, messages=messages("ab")), now=NOW)
    await sessions.put(EVERYWHERE, session(replace(KEY, session_id="forever")), now=NOW)
    assert await sessions.purge_expired(now=NOW + 20, limit=2) == 2
    assert await sessions.purge_expired(now=NOW + 20, limit=2) == 1
    assert await sessions.purge_expired(now=NOW + 20) == 0
    page = await sessions.list(EVERYWHERE, namespace=None, user_id=None, limit=10, offset=0, now=NOW)
    assert sorted(key.session_id for key in page.keys) == ["forever", "s3", "s4"]


OUTSIDE = [
    Scope(frozenset({"Team"}), None),
    Scope(None, frozenset({"Ann"})),
    Scope(frozenset({"team"}), frozenset({""})),
    Scope(frozenset(), frozenset({"ann"})),
    Scope(frozenset({""}), frozenset({"ann"})),
]
INSIDE = [
    Scope(frozenset({"team"}), frozenset({"ann"})),
    Scope(frozenset({"team", "x"}), None),
    Scope(None, frozenset({"ann", ""})),
]


@pytest.mark.parametrize("scope", OUTSIDE)
async def test_nothing_outside_the_scope_is_seen_or_changed(sessions: SessionStore, scope: Scope) -> None:
    before = await sessions.put(EVERYWHERE, FULL, now=NOW)
    assert await sessions.get(scope, KEY, now=NOW) is None
    assert await sessions.find(scope, KEY.session_id, namespace=None, user_id=None, now=NOW) == []
    assert await sessions.find(scope, KEY.session_id, namespace="team", user_id="ann", now=NOW) == []
    page = await sessions.list(scope, namespace=None, user_id=None, limit=10, offset=0, now=NOW)
    assert (page.keys, page.total) == ((), 0)
    with pytest.raises(Forbidden):
        await sessions.put(scope, session(), now=NOW)
    with pytest.raises(Forbidden):
        await sessions.append(scope, KEY, [message("x")], now=NOW)
    assert await sessions.delete(scope, KEY, now=NOW) is False
    assert await stored(sessions) == before


@pytest.mark.parametrize("scope", INSIDE)
async def test_everything_inside_the_scope_works(sessions: SessionStore, scope: Scope) -> None:
    await sessions.put(scope, session(), now=NOW)
    await sessions.append(scope, KEY, [message("x")], now=NOW)
    found = await sessions.get(scope, KEY, now=NOW)
    assert found is not None
    assert ids(found.messages) == ["x"]
    assert await sessions.find(scope, KEY.session_id, namespace=None, user_id=None, now=NOW) == [KEY]
    assert (await sessions.list(scope, namespace=None, user_id=None, limit=10, offset=0, now=NOW)).total == 1
    assert await sessions.delete(scope, KEY, now=NOW) is True
