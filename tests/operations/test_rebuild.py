"""A session whose working memory is gone is read from the records of its messages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent_memory_server.domain.errors import NotFound
from agent_memory_server.domain.memory import MemoryType
from agent_memory_server.domain.principal import LOCAL, Principal
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.converse import delete_session
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.revise import revise
from tests.operations.given import KEY, NOW, append, caller, contents, memory, put, read, turn
from tests.support.rest import application

BOB = replace(KEY, user_id="bob")
ANYBODY = SessionKey("", "", KEY.session_id)


async def lose(app: Application, key: SessionKey = KEY) -> None:
    assert await delete_session(app, LOCAL, key.session_id, namespace=key.namespace, user_id=key.user_id)


async def test_messages_come_back_in_the_order_of_their_times(app: Application) -> None:
    await append(app, turn("1", created_at=NOW - 2), turn("2", "a: b: c", role="assistant", created_at=NOW - 1))
    await lose(app)
    session = (await read(app)).session
    assert [(m.id, m.role, m.content) for m in session.messages] == [
        ("1", "user", "content of 1"),
        ("2", "assistant", "a: b: c"),
    ]
    assert (session.key, session.revision, session.message_count) == (KEY, 0, 2)
    assert all(message.persisted_at == NOW for message in session.messages)


async def test_other_memories_of_the_session_are_no_messages(app: Application) -> None:
    await put(app, turn("1"), memories=(memory("k", "user: likes tea"),))
    await lose(app)
    assert contents(await read(app)) == ["content of 1"]


async def test_a_record_that_was_edited_into_something_else_is_left_out(app: Application) -> None:
    await put(app, turn("1"), turn("2"))
    await lose(app)
    await revise(app, LOCAL, "1", {"text": "no turn any more"})
    assert contents(await read(app)) == ["content of 2"]
    await revise(app, LOCAL, "2", {"text": "neither"})
    with pytest.raises(NotFound):
        await read(app)


async def test_a_session_longer_than_a_page_comes_back_whole(app: Application) -> None:
    await append(app, *(turn(f"{n:04}", created_at=NOW - 5000 + n) for n in range(2300)))
    await lose(app)
    assert contents(await read(app)) == [f"content of {n:04}" for n in range(2300)]
    assert contents(await read(app, last=1100)) == [f"content of {n:04}" for n in range(1200, 2300)]


@pytest.mark.parametrize("last", [1, 2, 3, 2**63 - 1])
async def test_only_the_latest_messages_may_be_asked_for(app: Application, last: int) -> None:
    await append(app, *(turn(str(n), created_at=NOW + n) for n in range(3)))
    await lose(app)
    assert contents(await read(app, last=last)) == [f"content of {n}" for n in range(3)][-last:]


@pytest.mark.parametrize("last", [None, 1])
async def test_several_users_are_never_mixed_and_none_is_guessed(app: Application, last: int | None) -> None:
    await append(app, turn("1", "of ana", created_at=NOW - 10))
    await append(app, turn("2", "of bob"), key=BOB)
    await lose(app)
    await lose(app, BOB)
    with pytest.raises(NotFound):
        await read(app, ANYBODY, last=last)
    with pytest.raises(NotFound):
        await read(app, SessionKey("team", "", KEY.session_id), last=last)
    assert contents(await read(app, KEY, last=last)) == ["of ana"]
    assert contents(await read(app, SessionKey("", "bob", KEY.session_id), last=last)) == ["of bob"]


async def test_the_session_of_exactly_the_named_place_comes_first(app: Application) -> None:
    await append(app, turn("1", "of ana"))
    await append(app, turn("2", "of nobody"), key=ANYBODY)
    await lose(app)
    await lose(app, ANYBODY)
    assert contents(await read(app, ANYBODY)) == ["of nobody"]


@pytest.mark.parametrize(("who", "sees"), [(caller(users=["ana"]), "of ana"), (caller(users=["bob"]), "of bob")])
async def test_a_caller_of_one_user_sees_that_users_messages_only(app: Application, who: Principal, sees: str) -> None:
    await append(app, turn("1", "of ana"))
    await append(app, turn("1", "of bob"), key=BOB)
    await lose(app)
    await lose(app, BOB)
    assert contents(await read(app, ANYBODY, who)) == [sees]
    with pytest.raises(NotFound):
        await read(app, KEY if sees == "of bob" else BOB, who)


async def test_messages_stored_as_memories_make_a_session_too(app: Application) -> None:
    fields = {"session_id": "import", "memory_type": MemoryType.MESSAGE}
    await remember(app, LOCAL, [memory("1", "User: hello", **fields), memory("2", "no separator", **fields)])
    session = (await read(app, SessionKey("", "", "import"))).session
    assert [(message.id, message.role, message.content) for message in session.messages] == [("1", "user", "hello")]


async def test_without_the_index_of_messages_nothing_comes_back(tmp_path: Path) -> None:
    async with application(tmp_path) as app:
        await append(app, turn("1"))
        await lose(app)
    async with application(tmp_path, rules=Options(index_messages=False)) as app:
        with pytest.raises(NotFound):
            await read(app)
