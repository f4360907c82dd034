"""Promise 7: a deleted memory does not return when the same conversation is extracted again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.retention import RetentionPolicy
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.extract import extract_session
from agent_memory_server.operations.forget import delete, forget
from agent_memory_server.operations.remember import remember
from agent_memory_server.ports.memory_store import MemoryWrite, PutStatus
from tests.operations.conftest import app, clock
from tests.operations.given import KEY, NOW, SettableClock, append, memory, turn

__all__ = ["app", "clock"]

TEA = "I prefer green tea."


async def facts(app: Application) -> list[Memory]:
    found = await app.memories.list(EVERYWHERE, EVERYTHING, limit=100)
    return [each for each in found.memories if each.memory_type is not MemoryType.MESSAGE]


async def read_again(app: Application, clock: SettableClock, text: str, **fields: object) -> list[PutStatus]:
    """What another reading of message m1 brings, with this text; the message is unread again."""
    unread = turn(f"m{clock.now}", "x")
    await append(app, unread)
    owed = await app.sessions.unextracted(EVERYWHERE, KEY, now=clock.now, limit=10, before=0)
    assert owed is not None
    members = {"namespace": KEY.namespace, "user_id": KEY.user_id, "session_id": KEY.session_id}
    record = memory(f"r{clock.now}", text, **{**members, "extracted_from": ("m1",), **fields})
    clock.now += 1
    marked = await app.sessions.mark_extracted(
        EVERYWHERE, KEY, owed.messages, now=clock.now, records=[MemoryWrite(memory=record)]
    )
    return [result.status for result in marked.records]


@pytest.fixture
async def deleted(app: Application, clock: SettableClock) -> str:
    """The text of a fact that was read out of message m1 and then deleted."""
    await append(app, turn("m1", TEA))
    clock.now += 30
    await extract_session(app, KEY)
    (fact,) = await facts(app)
    assert await delete(app, LOCAL, [fact.id]) == 1
    return fact.text


async def test_a_second_reading_brings_it_back_neither_literally_nor_nearly(
    app: Application, clock: SettableClock, deleted: str
) -> None:
    for text in (deleted, deleted.upper(), "The user prefers green tea", "User: green tea is what I prefer!"):
        assert await read_again(app, clock, text) == [PutStatus.DELETED], text
    assert await facts(app) == []


async def test_another_fact_of_the_message_another_message_and_another_user_are_stored(
    app: Application, clock: SettableClock, deleted: str
) -> None:
    assert await read_again(app, clock, "User does not prefer green tea") == [PutStatus.CREATED]
    assert await read_again(app, clock, "User has a brother in Lisbon") == [PutStatus.CREATED]
    assert await read_again(app, clock, deleted, extracted_from=("m2",)) == [PutStatus.CREATED]


async def test_a_caller_may_store_it_again(app: Application, deleted: str) -> None:
    again = replace(memory("mine", deleted), namespace=KEY.namespace, user_id=KEY.user_id, session_id=KEY.session_id)
    (result,) = await remember(app, LOCAL, [again])
    assert result.status is PutStatus.CREATED


async def test_what_a_policy_let_go_stays_away_too(app: Application, clock: SettableClock) -> None:
    await append(app, turn("m1", TEA))
    clock.now += 30
    await extract_session(app, KEY)
    (fact,) = await facts(app)
    clock.now = NOW + 90 * 86400
    await forget(app, LOCAL, RetentionPolicy(max_age_days=30), EVERYTHING, dry_run=False)
    assert await facts(app) == []
    assert await read_again(app, clock, fact.text) == [PutStatus.DELETED]
