"""Memories are read out of conversations, once, with their source, and beside whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent_memory_server.domain.errors import Forbidden, NotFound
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import SessionKey, Strategy
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.context import PromptSession, memory_prompt
from agent_memory_server.operations.extract import AT_ONCE, extract_session, sweep_extractions, try_extraction
from agent_memory_server.operations.reading import Reading
from tests.operations.given import KEY, SettableClock, append, caller, put, read, turn

TEA = "I prefer green tea."


async def facts(app: Application) -> list[Memory]:
    found = await app.memories.list(EVERYWHERE, EVERYTHING, limit=100)
    return [each for each in found.memories if each.memory_type is not MemoryType.MESSAGE]


async def extract_due(app: Application) -> int:
    """What the jobs of all owed sessions do, at this moment."""
    owed = await app.sessions.owed_extractions(now=app.clock(), limit=100)
    return sum([await extract_session(app, each.key) for each in owed])


async def tried(app: Application) -> Reading:
    return await try_extraction(app, LOCAL, KEY.session_id, namespace=KEY.namespace, user_id=KEY.user_id)


async def test_a_fact_is_stored_beside_its_message_with_its_source(app: Application, clock: SettableClock) -> None:
    said = datetime(2023, 7, 12, tzinfo=UTC).timestamp()
    await append(app, turn("m1", "Hi! I met Ana in Lisbon yesterday.", created_at=said))
    clock.now += 30
    assert await extract_due(app) == 1
    (fact,) = await facts(app)
    assert fact.text == "User: I met Ana in Lisbon yesterday. (yesterday: 2023-07-11)"
    assert (fact.namespace, fact.user_id, fact.session_id) == (KEY.namespace, KEY.user_id, KEY.session_id)
    assert fact.memory_type is MemoryType.EPISODIC
    assert fact.event_date == datetime(2023, 7, 11, tzinfo=UTC).timestamp()
    assert fact.extracted_from == ("m1",)
    assert fact.entities == ("Ana", "Lisbon")
    assert fact.metadata["source"] == {
        "message_id": "m1", "start": 4, "end": 34, "quote": "I met Ana in Lisbon yesterday.",
    }  # fmt: skip
    (message,) = await app.memories.get(EVERYWHERE, ["m1"])
    assert message.text == "user: Hi! I met Ana in Lisbon yesterday."


async def test_a_session_is_read_when_it_is_quiet_and_its_last_message_too(
    app: Application, clock: SettableClock
) -> None:
    for number in range(4):
        await append(app, turn(f"m{number}", f"I live in Town{number}."))
        clock.now += 20
        assert await extract_due(app) == 0
    clock.now += 10
    assert await extract_due(app) == 4
    assert (await read(app)).session.owed_since is None


async def test_a_session_that_is_never_quiet_is_read_after_the_longest_wait(
    app: Application, clock: SettableClock
) -> None:
    stored = 0
    for number in range(20):
        await append(app, turn(f"m{number}", f"I live in Town{number}."))
        clock.now += 20
        stored += await extract_due(app)
    assert stored == 15


async def test_a_session_is_read_before_it_ends(app: Application, clock: SettableClock) -> None:
    await append(app, turn("m1", TEA), ttl_seconds=20)
    clock.now += 10
    assert await extract_due(app) == 1


async def test_reading_again_stores_nothing_again(app: Application, clock: SettableClock) -> None:
    await put(app, turn("m1", TEA))
    clock.now += 30
    assert await extract_due(app) == 1
    await put(app, turn("m1", TEA), turn("m2", "I hate coffee."))
    clock.now += 30
    assert await extract_due(app) == 1
    assert len(await facts(app)) == 2


async def test_an_edited_memory_is_not_written_over_when_its_message_is_read_again(
    app: Application, clock: SettableClock
) -> None:
    await put(app, turn("m1", TEA))
    clock.now += 30
    await extract_due(app)
    (fact,) = await facts(app)
    edited = replace(fact, pinned=True)
    await app.memories.update(EVERYWHERE, edited, if_revision=fact.revision, vector=None, text_changed=False)
    await app.sessions.delete(EVERYWHERE, KEY, now=clock.now)
    await put(app, turn("m1", TEA))
    clock.now += 30
    assert await extract_due(app) == 0
    assert [each.pinned for each in await facts(app)] == [True]


async def test_a_long_backlog_is_read_whole(app: Application, clock: SettableClock) -> None:
    count = AT_ONCE * 2 + 1
    await append(app, *(turn(f"m{number}", f"I live in Town{number}.") for number in range(count)))
    clock.now += 30
    assert await extract_due(app) == count
    assert len(await app.sessions.owed_extractions(now=clock.now, limit=1)) == 0


async def test_sessions_of_different_users_with_one_id_are_read_apart(app: Application, clock: SettableClock) -> None:
    for user in ("ana", "bob"):
        await append(app, turn("m1", TEA), key=SessionKey("team", user, "chat"))
    clock.now += 30
    assert await extract_due(app) == 2
    assert sorted(each.user_id for each in await facts(app)) == ["ana", "bob"]


async def test_the_application_and_what_a_prompt_was_given_are_never_remembered(
    app: Application, clock: SettableClock
) -> None:
    await append(app, turn("m1", TEA))
    clock.now += 30
    await extract_due(app)
    session = PromptSession(session_id="other", namespace="team", user_id="ana")
    prompt = await memory_prompt(app, LOCAL, "tea", session=session, long_term=True)
    given = [turn(f"p{n}", message.text, role=role) for role in ("user", "system") for n, message in
             enumerate(prompt.messages, 10 if role == "user" else 20)]  # fmt: skip
    other = SessionKey("team", "ana", "other")
    await append(app, *given, turn("a1", "I love green tea.", role="assistant"), key=other)
    clock.now += 30
    assert await extract_due(app) == 0
    assert (await read(app, other)).session.owed_since is None


@pytest.mark.parametrize(("name", "count"), [("discrete", 2), ("preferences", 1), ("summary", 1), ("custom", 2)])
async def test_a_strategy_decides_what_is_read(app: Application, clock: SettableClock, name: str, count: int) -> None:
    config = {"custom_prompt": "Read {message}"} if name == "custom" else {}
    await put(app, turn("m1", f"{TEA} I live in Lisbon."), strategy=Strategy(name=name, config=config))
    clock.now += 30
    assert await extract_due(app) == count
    assert {each.extraction_strategy for each in await facts(app)} <= {name}
    assert (await read(app)).session.owed_since is None


async def test_a_trial_stores_nothing_and_tells_what_is_left_out(app: Application, clock: SettableClock) -> None:
    await put(app, turn("m1", f"{TEA} I love it!"))
    reading = await tried(app)
    assert [each.text for each in reading.memories] == [f"User: {TEA}"]
    assert [(each.quote, each.reason) for each in reading.refused] == [
        ("I love it!", "it points at something outside the sentence")
    ]
    assert await facts(app) == []
    clock.now += 30
    await extract_due(app)
    assert (await tried(app)).memories[0].id == (await facts(app))[0].id


async def test_a_trial_reads_only_what_the_caller_may_read(app: Application) -> None:
    await put(app, turn("m1", TEA))
    with pytest.raises((NotFound, Forbidden)):
        await try_extraction(app, caller(users=["bob"]), "chat", namespace="team", user_id="ana")
    with pytest.raises(NotFound):
        await try_extraction(app, LOCAL, "none", namespace="team", user_id="ana")


async def test_one_job_waits_however_many_messages_are_written(app: Application, clock: SettableClock) -> None:
    for number in range(3):
        await append(app, turn(f"m{number}", TEA))
        clock.now += 1
    assert (await app.jobs.figures()).waiting == 1


async def test_losing_the_queue_loses_no_session(app: Application, clock: SettableClock) -> None:
    await append(app, turn("m1", TEA))
    await append(app, turn("m1", TEA), key=SessionKey("", "", "other"))
    clock.now += 30
    assert await sweep_extractions(app) == 2
    assert await extract_due(app) == 2
    assert await sweep_extractions(app) == 0
