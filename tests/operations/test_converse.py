"""Sessions: put, appended to, read, listed, deleted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from agent_memory_server.domain.errors import Conflict, Forbidden, InvalidRequest, NotFound, RequestRefused
from agent_memory_server.domain.principal import LOCAL, Action
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.converse import delete_session, list_sessions
from agent_memory_server.operations.options import Options
from tests.operations.given import (
    KEY,
    NOW,
    SettableClock,
    append,
    caller,
    contents,
    memory,
    put,
    read,
    records,
    turn,
)
from tests.support.rest import application


async def test_a_put_session_is_read_back(app: Application) -> None:
    stored = await put(app, turn("1"), turn("2", role="tool"), data={"a": [1]}, context="so far", tokens=3)
    found = await read(app)
    assert found.session == stored.session
    assert [message.role for message in found.session.messages] == ["user", "tool"]
    assert (found.session.revision, found.session.context, found.session.data) == (1, "so far", {"a": [1]})


async def test_appending_keeps_what_others_appended_meanwhile(app: Application) -> None:
    await put(app)
    await asyncio.gather(*(append(app, turn(f"{task}-{n}")) for task in range(10) for n in range(5)))
    assert sorted(contents(await read(app))) == sorted(f"content of {task}-{n}" for task in range(10) for n in range(5))


async def test_a_repeated_append_adds_nothing(app: Application) -> None:
    first = await append(app, turn("1"))
    again = await append(app, turn("1"))
    assert (again.session.revision, again.session.message_count) == (first.session.revision, 1)
    with pytest.raises(Conflict):
        await append(app, turn("1", "something else"))


async def test_a_put_over_another_revision_is_refused_and_changes_nothing(app: Application) -> None:
    await put(app, turn("1"))
    await append(app, turn("2"))
    with pytest.raises(Conflict):
        await put(app, turn("3"), if_revision=1)
    with pytest.raises(Conflict):
        await put(app, turn("3"), if_revision=0)
    assert contents(await read(app)) == ["content of 1", "content of 2"]
    assert not await records(app, "3")


async def test_a_put_that_contradicts_itself_is_refused_at_once(app: Application) -> None:
    with pytest.raises(Conflict, match="message 1"):
        await put(app, turn("1", "one"), turn("1", "two"))


async def test_puts_beside_appends_all_succeed_and_make_each_record_once(app: Application) -> None:
    await asyncio.gather(
        *(put(app, *(turn(f"p{n}") for n in range(20))) for _ in range(10)),
        *(append(app, turn(f"a{n}")) for n in range(30)),
    )
    found = await records(app, *(f"p{n}" for n in range(20)))
    assert {record.revision for record in found.values()} == {1}


async def test_messages_without_a_time_get_the_clock_in_their_order(app: Application) -> None:
    view = await put(app, *(turn(str(n), created_at=None) for n in range(5)))
    assert view.missing_times
    times = [message.created_at for message in view.session.messages]
    assert times == sorted(set(times))
    assert times[0] == NOW
    assert not (await put(app, turn("x"))).missing_times


async def test_a_time_too_far_ahead_and_an_empty_content_are_refused(app: Application) -> None:
    await put(app, turn("1", created_at=NOW + 300))
    with pytest.raises(InvalidRequest) as caught:
        await put(app, turn("1"), turn("2", created_at=NOW + 300.1))
    assert caught.value.field == "messages[1].created_at"
    with pytest.raises(RequestRefused, match="message ID: 2"):
        await append(app, turn("2", " \n"))


async def test_times_can_be_required(tmp_path: Path) -> None:
    async with application(tmp_path, rules=Options(require_timestamps=True)) as strict:
        with pytest.raises(InvalidRequest):
            await append(strict, turn("1", created_at=None))


async def test_a_session_is_found_without_naming_its_place_when_it_is_the_only_one(app: Application) -> None:
    await put(app, turn("1"))
    bare = SessionKey("", "", KEY.session_id)
    assert (await read(app, bare)).session.key == KEY
    await put(app, turn("2"), key=replace(KEY, user_id="bob"))
    with pytest.raises(NotFound):
        await read(app, bare)
    await put(app, turn("3"), key=bare)
    assert (await read(app, bare)).session.key == bare


async def test_an_expired_session_reads_as_its_messages_alone(app: Application, clock: SettableClock) -> None:
    await put(app, turn("1"), ttl_seconds=60, context="so far", data={"a": 1})
    clock.now += 60
    found = await read(app)
    assert contents(found) == ["content of 1"]
    assert (found.session.revision, found.session.context) == (0, "")


async def test_deleting_tells_whether_there_was_a_session(app: Application, clock: SettableClock) -> None:
    await put(app, turn("1"), ttl_seconds=60)
    assert await delete_session(app, LOCAL, "chat", namespace=None, user_id="ana")
    assert not await delete_session(app, LOCAL, "chat", namespace=None, user_id="ana")
    await put(app, turn("1"), ttl_seconds=60)
    clock.now += 60
    assert not await delete_session(app, LOCAL, "chat", namespace="team", user_id="ana")


async def test_an_expired_session_does_not_hide_the_one_to_delete(app: Application, clock: SettableClock) -> None:
    await put(app, turn("1"), key=SessionKey("", "", "chat"), ttl_seconds=60)
    await put(app, turn("2"))
    clock.now += 60
    assert await delete_session(app, LOCAL, "chat", namespace=None, user_id=None)
    page = await list_sessions(app, LOCAL, namespace=None, user_id=None, limit=10, offset=0)
    assert page.keys == ()


async def test_deleting_a_session_keeps_its_records(app: Application) -> None:
    await put(app, turn("1"), memories=(memory("k"),))
    await delete_session(app, LOCAL, "chat", namespace="team", user_id="ana")
    assert set(await records(app, "1", "k")) == {"1", "k"}


async def test_a_session_of_another_user_does_not_exist_for_a_caller(app: Application) -> None:
    await put(app, turn("1"))
    bob = caller(users=["bob"])
    for key in (KEY, SessionKey("", "", "chat"), SessionKey("team", "", "chat")):
        with pytest.raises(NotFound):
            await read(app, key, bob)
        assert not await delete_session(app, bob, "chat", namespace=key.namespace, user_id=key.user_id)
    assert (await list_sessions(app, bob, namespace=None, user_id=None, limit=10, offset=0)).total == 0
    with pytest.raises(Forbidden):
        await put(app, turn("2"), who=bob)
    with pytest.raises(Forbidden):
        await append(app, turn("2"), who=bob)
    assert contents(await read(app)) == ["content of 1"]


async def test_the_only_granted_user_is_filled_in(app: Application) -> None:
    ana = caller(users=["ana"])
    nameless = SessionKey("team", "", "chat")
    await append(app, turn("1"), key=nameless, who=ana)
    await put(app, turn("1"), turn("2"), key=nameless, who=ana)
    assert (await read(app, KEY)).session.key.user_id == "ana"
    assert contents(await read(app, nameless, ana)) == ["content of 1", "content of 2"]


async def test_reading_needs_the_right_to_read_and_writing_that_to_write(app: Application) -> None:
    reader, writer = caller(can=frozenset({Action.READ})), caller(can=frozenset({Action.WRITE}))
    await put(app, turn("1"), who=writer)
    await read(app, who=reader)
    with pytest.raises(Forbidden):
        await read(app, who=writer)
    with pytest.raises(Forbidden):
        await append(app, turn("2"), who=reader)
    with pytest.raises(Forbidden):
        await delete_session(app, reader, "chat", namespace="team", user_id="ana")
