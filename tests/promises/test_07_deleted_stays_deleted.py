"""Promise 7: a deleted memory does not return when the same conversation is extracted again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.retention import RetentionPolicy
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Strategy
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.extract import extract_session
from agent_memory_server.operations.forget import delete, forget
from agent_memory_server.operations.remember import remember
from agent_memory_server.ports.memory_store import MemoryWrite, PutStatus
from tests.operations.conftest import app, clock
from tests.operations.given import KEY, NOW, SettableClock, append, memory, put, read, turn
from tests.support.chat_service import Asked, Given, Rule, chat_service, model_of

__all__ = ["app", "clock"]

QUOTED = {"type": "semantic", "topics": [], "entities": [], "event_date": "", "source": 1, "quote": "green tea"}

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


def quoting(quote: str) -> dict[str, object]:
    return {"metadata": {"source": {"message_id": "m1", "quote": quote}}}


async def test_no_other_words_bring_it_back_out_of_the_same_words_of_the_message(
    app: Application, clock: SettableClock, deleted: str
) -> None:
    text = "Of all drinks, Ana's first choice is an unfermented leaf infusion"
    for quote in (TEA, "prefer green tea", "Well, I prefer green tea, you know"):
        assert await read_again(app, clock, text, **quoting(quote)) == [PutStatus.DELETED], quote
    for quote in ("I don't prefer green tea", "I prefer 3 cups of green tea", "I live in a green house by the sea"):
        assert await read_again(app, clock, f"{text} {quote}", **quoting(quote)) == [PutStatus.CREATED], quote


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


def _saying(text: str, summary: str) -> Rule:
    def answer(asked: Asked) -> Given:
        listed = "memories" in (asked.schema or {}).get("properties", {})
        return {"memories": [QUOTED | {"text": text}]} if listed else {"text": summary, "topics": [], "entities": []}

    return answer


@pytest.fixture(params=["rules", "model"])
async def reader(app: Application, request: pytest.FixtureRequest) -> AsyncIterator[Application]:
    """Reads by rules, or by a model that says the same in other words each time."""
    if request.param == "rules":
        yield app
        return
    with chat_service() as service:
        for text, summary in (
            ("User prefers green tea.", "A talk about what to drink."),
            ("The user prefers green tea", "User likes green tea best of all."),
        ):
            service.script.append(_saying(text, summary))
        model = model_of(service)
        yield replace(app, chat=model)
        await model.close()


@pytest.mark.parametrize("strategy", ["discrete", "preferences", "summary"])
async def test_a_session_that_is_deleted_and_put_again_does_not_bring_it_back(
    reader: Application, clock: SettableClock, strategy: str
) -> None:
    chosen = Strategy(name=strategy)
    await put(reader, turn("m1", TEA), strategy=chosen)
    clock.now += 30
    assert await extract_session(reader, KEY) == 1
    assert await delete(reader, LOCAL, [fact.id for fact in await facts(reader)]) == 1
    await reader.sessions.delete(EVERYWHERE, KEY, now=clock.now)
    await put(reader, turn("m1", TEA), strategy=chosen)
    clock.now += 30
    assert await extract_session(reader, KEY) == 0
    assert await facts(reader) == []
    assert (await read(reader)).session.owed_since is None


async def test_a_deleted_summary_begins_anew_with_what_is_said_later(app: Application, clock: SettableClock) -> None:
    await put(app, turn("m1", TEA), strategy=Strategy(name="summary"))
    clock.now += 30
    await extract_session(app, KEY)
    await delete(app, LOCAL, [fact.id for fact in await facts(app)])
    await append(app, turn("m2", "I live in Lisbon."))
    clock.now += 30
    assert await extract_session(app, KEY) == 1
    (found,) = await facts(app)
    assert found.extracted_from == ("m2",)
    assert "tea" not in found.text
