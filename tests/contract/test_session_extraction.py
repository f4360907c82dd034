"""The contract of `SessionStore`: what extraction has not read is part of the state, and marks change nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent_memory_server.domain.errors import Conflict, Forbidden
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.session import Message, SessionKey
from agent_memory_server.ports.memory_store import MemoryStore, MemoryWrite, PutStatus
from agent_memory_server.ports.session_store import SessionStore
from tests.contract.sessions import KEY, NOW, ids, message, messages, session, stored

TEAM = Scope(frozenset({KEY.namespace}), None)
OTHER = Scope(frozenset({"elsewhere"}), None)


def fact(id_: str, *sources: str, key: SessionKey = KEY) -> MemoryWrite:
    memory = Memory(
        id=id_,
        text=f"fact {id_}",
        created_at=NOW,
        updated_at=NOW,
        last_accessed=NOW,
        namespace=key.namespace,
        user_id=key.user_id,
        session_id=key.session_id,
        extracted_from=sources,
    )
    return MemoryWrite(memory=memory)


async def owed(sessions: SessionStore, *, now: float = NOW, limit: int = 100) -> list[tuple[str, float]]:
    return [(each.key.session_id, each.since) for each in await sessions.owed_extractions(now=now, limit=limit)]


async def unread(sessions: SessionStore, *, limit: int = 100, before: int = 0) -> tuple[list[str], list[str]]:
    found = await sessions.unextracted(TEAM, KEY, now=NOW, limit=limit, before=before)
    assert found is not None
    return ids(found.messages), ids(found.before)


async def mark(sessions: SessionStore, given: Sequence[Message], *records: MemoryWrite) -> list[str]:
    return list((await sessions.mark_extracted(TEAM, KEY, given, now=NOW, records=records)).messages)


@pytest.mark.parametrize("way", ["put", "append"])
async def test_stored_messages_are_owed_until_they_are_marked(sessions: SessionStore, way: str) -> None:
    given = messages("abc")
    if way == "put":
        written = await sessions.put(TEAM, session(messages=given), now=NOW)
    else:
        written = (await sessions.append(TEAM, KEY, given, now=NOW)).session
    assert written.owed_since == NOW
    assert await owed(sessions) == [("s1", NOW)]
    assert await unread(sessions) == (["a", "b", "c"], [])
    assert await mark(sessions, given[:2]) == ["a", "b"]
    assert await unread(sessions) == (["c"], [])
    assert len(await owed(sessions)) == 1
    assert await mark(sessions, given[2:]) == ["c"]
    assert await owed(sessions) == []
    assert (await stored(sessions)).owed_since is None


async def test_messages_that_are_marked_already_owe_nothing(sessions: SessionStore) -> None:
    given = [replace(each, discrete_memory_extracted=True) for each in messages("ab")]
    assert (await sessions.put(TEAM, session(messages=tuple(given)), now=NOW)).owed_since is None
    assert (await sessions.append(TEAM, KEY, given, now=NOW)).session.owed_since is None
    assert await owed(sessions) == []


async def test_a_session_is_owed_since_its_first_unread_message(sessions: SessionStore) -> None:
    await sessions.append(TEAM, KEY, [message("a")], now=NOW)
    later = await sessions.append(TEAM, KEY, [message("b")], now=NOW + 5)
    assert later.session.owed_since == NOW
    assert (await sessions.put(TEAM, session(messages=messages("abc")), now=NOW + 6)).owed_since == NOW
    marked = tuple(replace(each, discrete_memory_extracted=True) for each in messages("abc"))
    assert (await sessions.put(TEAM, session(messages=marked), now=NOW + 7)).owed_since is None
    assert (await sessions.append(TEAM, KEY, [message("d")], now=NOW + 8)).session.owed_since == NOW + 8


async def test_what_a_session_says_of_its_debt_counts_for_nothing(sessions: SessionStore) -> None:
    assert (await sessions.put(TEAM, session(owed_since=5.0), now=NOW)).owed_since is None
    assert await owed(sessions) == []


async def test_owed_sessions_come_oldest_first_and_page_by_page(sessions: SessionStore) -> None:
    keys = [SessionKey(namespace, user, id_) for namespace in ("", "n") for user in ("", "é") for id_ in ("1", "2")]
    for place, key in enumerate(keys):
        await sessions.append(EVERYWHERE, key, [message("a")], now=NOW + place // 4)
    found = list(await sessions.owed_extractions(now=NOW, limit=3))
    while page := await sessions.owed_extractions(now=NOW, limit=3, after=found[-1]):
        found.extend(page)
    assert [each.key for each in found] == keys
    assert [each.since for each in found] == [NOW + place // 4 for place in range(8)]


async def test_an_expired_session_owes_nothing(sessions: SessionStore) -> None:
    given = messages("a")
    await sessions.append(TEAM, KEY, given, now=NOW, ttl_seconds=10)
    assert await owed(sessions, now=NOW + 10) == []
    assert await sessions.unextracted(TEAM, KEY, now=NOW + 10, limit=1, before=1) is None
    marked = await sessions.mark_extracted(TEAM, KEY, given, now=NOW + 10, records=[fact("f", "a")])
    assert (marked.messages, marked.records) == ((), ())


async def test_unread_messages_come_in_order_with_those_before_them(sessions: SessionStore) -> None:
    given = messages("abcdef")
    await sessions.append(TEAM, KEY, given, now=NOW)
    await mark(sessions, given[:3])
    assert await unread(sessions, limit=2, before=2) == (["d", "e"], ["b", "c"])
    assert await unread(sessions, limit=9, before=9) == (["d", "e", "f"], ["a", "b", "c"])
    found = await sessions.unextracted(TEAM, KEY, now=NOW, limit=1, before=0)
    assert found is not None
    assert (found.session.messages, found.session.message_count) == ((), 6)


async def test_another_scope_reads_and_marks_nothing(sessions: SessionStore, memories: MemoryStore) -> None:
    given = messages("a")
    await sessions.append(TEAM, KEY, given, now=NOW)
    assert await sessions.unextracted(OTHER, KEY, now=NOW, limit=1, before=0) is None
    with pytest.raises(Forbidden):
        await sessions.mark_extracted(OTHER, KEY, given, now=NOW)
    foreign = fact("f", "a", key=SessionKey("elsewhere", "ann", "s1"))
    with pytest.raises(Forbidden):
        await sessions.mark_extracted(TEAM, KEY, given, now=NOW, records=[foreign])
    assert await unread(sessions) == (["a"], [])
    assert await memories.get(EVERYWHERE, ["f"]) == []


async def test_marking_stores_the_records_in_the_same_step(sessions: SessionStore, memories: MemoryStore) -> None:
    given = messages("ab")
    await sessions.append(TEAM, KEY, given, now=NOW)
    marked = await sessions.mark_extracted(TEAM, KEY, given, now=NOW, records=[fact("f", "a"), fact("g", "a", "b")])
    assert [(each.id, each.status) for each in marked.records] == [("f", PutStatus.CREATED), ("g", PutStatus.CREATED)]
    assert [each.text for each in await memories.get(EVERYWHERE, ["f", "g"])] == ["fact f", "fact g"]


async def test_of_two_runs_over_the_same_messages_one_has_an_effect(
    sessions: SessionStore, memories: MemoryStore
) -> None:
    given = messages("ab")
    await sessions.append(TEAM, KEY, given, now=NOW)
    await mark(sessions, given, fact("f", "a"))
    assert await mark(sessions, given, fact("g", "a"), fact("h")) == []
    assert [each.id for each in await memories.get(EVERYWHERE, ["f", "g", "h"])] == ["f"]


async def test_a_message_that_changed_meanwhile_stays_owed_and_its_records_are_not_stored(
    sessions: SessionStore, memories: MemoryStore
) -> None:
    given = messages("abc")
    await sessions.put(TEAM, session(messages=given), now=NOW)
    other = (given[0], message("b", "other", at=1.0), replace(given[2], role="assistant"))
    await sessions.put(TEAM, session(messages=other), now=NOW)
    assert await mark(sessions, given, fact("f", "a"), fact("g", "a", "b"), fact("h", "c")) == ["a"]
    assert await unread(sessions) == (["b", "c"], [])
    assert [each.id for each in await memories.get(EVERYWHERE, ["f", "g", "h"])] == ["f"]


async def test_marking_leaves_everything_else_as_it_is(sessions: SessionStore) -> None:
    given = messages("ab")
    await sessions.append(TEAM, KEY, given, now=NOW, ttl_seconds=60)
    read = given
    await sessions.append(TEAM, KEY, [message("c")], now=NOW + 1)
    before = await stored(sessions)
    await sessions.mark_extracted(TEAM, KEY, read, now=NOW + 2)
    after = await stored(sessions)
    expected = tuple(replace(each, discrete_memory_extracted=each.id != "c") for each in before.messages)
    assert after == replace(before, messages=expected, revision=before.revision + 1, owed_since=after.owed_since)
    assert await stored(sessions, now=NOW + 60.5) == after
    assert await sessions.get(EVERYWHERE, KEY, now=NOW + 61) is None


async def test_a_deleted_session_is_not_made_again(sessions: SessionStore, memories: MemoryStore) -> None:
    given = messages("a")
    await sessions.append(TEAM, KEY, given, now=NOW)
    await sessions.delete(TEAM, KEY, now=NOW)
    assert await mark(sessions, given, fact("f", "a")) == []
    assert await sessions.get(EVERYWHERE, KEY, now=NOW) is None
    assert await memories.get(EVERYWHERE, ["f"]) == []


async def test_a_write_that_saw_the_session_before_it_was_marked_conflicts(sessions: SessionStore) -> None:
    given = messages("a")
    seen = await sessions.put(TEAM, session(messages=given), now=NOW)
    await mark(sessions, given)
    with pytest.raises(Conflict):
        await sessions.put(TEAM, session(messages=given), now=NOW, if_revision=seen.revision)
    assert await unread(sessions) == ([], [])
