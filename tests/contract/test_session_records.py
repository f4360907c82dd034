"""The contract of `SessionStore`: a session and the long-term records it owes are written in one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent_memory_server.domain.errors import Conflict, Forbidden
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.session import Message
from agent_memory_server.ports.memory_store import MemoryStore, MemoryWrite
from agent_memory_server.ports.session_store import SessionStore
from tests.contract.sessions import KEY, NOW, ids, message, messages, session, stored

TEAM = Scope(frozenset({KEY.namespace}), None)


def record(of: Message, *, fallback_id: str | None = None) -> MemoryWrite:
    memory = Memory(
        id=of.id,
        text=f"{of.role}: {of.content}",
        created_at=of.created_at,
        updated_at=NOW,
        last_accessed=of.created_at,
        namespace=KEY.namespace,
        user_id=KEY.user_id,
        session_id=KEY.session_id,
        memory_type=MemoryType.MESSAGE,
    )
    return MemoryWrite(memory=memory, fallback_id=fallback_id)


def records(of: Sequence[Message]) -> list[MemoryWrite]:
    return [record(each) for each in of]


async def texts(memories: MemoryStore, *wanted: str) -> list[str]:
    return [each.text for each in await memories.get(EVERYWHERE, wanted)]


async def test_an_append_stores_its_records(sessions: SessionStore, memories: MemoryStore) -> None:
    given = messages("ab")
    await sessions.append(TEAM, KEY, given, now=NOW, records=records(given))
    assert await texts(memories, "a", "b") == ["user: content of a", "user: content of b"]
    assert ids((await stored(sessions)).messages) == ["a", "b"]


async def test_a_put_stores_its_records(sessions: SessionStore, memories: MemoryStore) -> None:
    given = messages("ab")
    await sessions.put(TEAM, session(messages=given), now=NOW, records=records(given[1:]))
    assert await texts(memories, "a", "b") == ["user: content of b"]


async def test_a_repeated_append_leaves_a_deleted_record_deleted(sessions: SessionStore, memories: MemoryStore) -> None:
    given = messages("ab")
    await sessions.append(TEAM, KEY, given, now=NOW, records=records(given))
    assert await memories.delete(EVERYWHERE, ["a"]) == 1
    further = (*given, message("c"))
    await sessions.append(TEAM, KEY, further, now=NOW, records=records(further))
    assert [each.id for each in await memories.get(EVERYWHERE, ["a", "b", "c"])] == ["b", "c"]


async def test_a_repeated_append_leaves_a_changed_record_changed(sessions: SessionStore, memories: MemoryStore) -> None:
    given = messages("a")
    await sessions.append(TEAM, KEY, given, now=NOW, records=records(given))
    (before,) = await memories.get(EVERYWHERE, ["a"])
    changed = await memories.update(
        EVERYWHERE, replace(before, topics=("tea",)), if_revision=before.revision, vector=None, text_changed=False
    )
    await sessions.append(TEAM, KEY, given, now=NOW, records=records(given))
    assert await memories.get(EVERYWHERE, ["a"]) == [changed]


async def test_a_refused_append_stores_no_record(sessions: SessionStore, memories: MemoryStore) -> None:
    await sessions.append(TEAM, KEY, messages("a"), now=NOW)
    given = (message("b"), message("a", "other"))
    with pytest.raises(Conflict):
        await sessions.append(TEAM, KEY, given, now=NOW, records=records(given))
    assert await texts(memories, "a", "b") == []


async def test_a_refused_put_stores_no_record(sessions: SessionStore, memories: MemoryStore) -> None:
    given = messages("a")
    with pytest.raises(Conflict):
        await sessions.put(TEAM, session(messages=given), now=NOW, if_revision=3, records=records(given))
    assert await texts(memories, "a") == []


@pytest.mark.parametrize("way", ["put", "append"])
async def test_a_record_outside_the_scope_stores_no_session(
    sessions: SessionStore, memories: MemoryStore, way: str
) -> None:
    given = messages("ab")
    good, bad = records(given)
    owed = [good, replace(bad, memory=replace(bad.memory, namespace="elsewhere"))]
    write = (
        sessions.put(TEAM, session(messages=given), now=NOW, records=owed)
        if way == "put"
        else sessions.append(TEAM, KEY, given, now=NOW, records=owed)
    )
    with pytest.raises(Forbidden):
        await write
    assert await sessions.get(EVERYWHERE, KEY, now=NOW) is None
    assert await texts(memories, "a", "b") == []


async def test_a_record_id_of_another_place_is_left_alone_and_the_fallback_taken(
    sessions: SessionStore, memories: MemoryStore
) -> None:
    foreign = Memory(id="a", text="foreign", created_at=1.0, updated_at=1.0, last_accessed=1.0, namespace="elsewhere")
    await memories.put(EVERYWHERE, [MemoryWrite(memory=foreign)], now=NOW)
    given = message("a")
    await sessions.append(TEAM, KEY, [given], now=NOW, records=[record(given, fallback_id="other")])
    assert await texts(memories, "a", "other") == ["foreign", "user: content of a"]
    await memories.delete(EVERYWHERE, ["other"])
    await sessions.append(TEAM, KEY, [given], now=NOW, records=[record(given, fallback_id="other")])
    assert await texts(memories, "a", "other") == ["foreign"]


async def test_a_record_id_taken_outside_the_scope_refuses_the_whole_write(
    sessions: SessionStore, memories: MemoryStore
) -> None:
    foreign = Memory(id="b", text="foreign", created_at=1.0, updated_at=1.0, last_accessed=1.0, namespace="elsewhere")
    await memories.put(EVERYWHERE, [MemoryWrite(memory=foreign)], now=NOW)
    given = messages("ab")
    with pytest.raises(Conflict, match="record id b"):
        await sessions.append(TEAM, KEY, given, now=NOW, records=records(given))
    assert await sessions.get(EVERYWHERE, KEY, now=NOW) is None
    assert await texts(memories, "a", "b") == ["foreign"]


async def test_records_stay_when_their_session_goes(sessions: SessionStore, memories: MemoryStore) -> None:
    given = messages("a")
    await sessions.append(TEAM, KEY, given, now=NOW, ttl_seconds=1, records=records(given))
    assert await sessions.purge_expired(now=NOW + 1) == 1
    await sessions.append(TEAM, KEY, messages("b"), now=NOW + 1, records=records(messages("b")))
    assert await sessions.delete(EVERYWHERE, KEY, now=NOW) is True
    assert await texts(memories, "a", "b") == ["user: content of a", "user: content of b"]
