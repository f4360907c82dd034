"""Bad answers of small local models: nothing is invented or lost, one repair is asked for, the rest is owed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Strategy
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.consolidate import consolidate
from agent_memory_server.operations.extract import extract_session
from agent_memory_server.operations.label import label
from agent_memory_server.operations.remember import remember
from tests.operations.given import KEY, SettableClock, append, embed_everything, memory, put, records, turn
from tests.support.chat_service import ChatService, chat_service, model_of, said

LIVES = {"text": "User lives in Oslo.", "quote": "I live in Oslo", "source": 1}
HAS = {"text": "User has a dog called Rex.", "quote": "my dog Rex", "source": 2}
CUT = '{"memories": [{"text": "User lives in Oslo.", "quo'
USELESS = ["", "Oslo is a nice city!", CUT, '{"memories": "none"}', "<think>hm", json.dumps({"memories": [{"a": 1}]})]


@pytest.fixture
def service() -> Iterator[ChatService]:
    with chat_service() as running:
        yield running


@pytest.fixture
async def reader(app: Application, service: ChatService) -> AsyncIterator[Application]:
    model = model_of(service)
    options = replace(app.options, duplicate_distance=2.0)
    yield replace(app, chat=model, fast_chat=model, options=options)
    await model.close()


async def told(app: Application, clock: SettableClock) -> None:
    await append(app, turn("m1", "I live in Oslo"), turn("m2", "This is my dog Rex"))
    clock.now += 30


async def facts(app: Application) -> list[Memory]:
    page = await app.memories.list(EVERYWHERE, EVERYTHING, limit=500)
    return [each for each in page.memories if each.memory_type is not MemoryType.MESSAGE]


async def texts(app: Application) -> set[str]:
    return {each.text for each in await facts(app)}


READ = [
    f"<think>one\n</think>\n```json\n{json.dumps({'memories': [LIVES, HAS]})}\n```",
    f"{json.dumps(LIVES)}\n{json.dumps(HAS)}",
    str([LIVES, HAS]),
    json.dumps({"Memories": [LIVES | {"source": "1", "Topics": "city"}, HAS | {"event_date": None, "type": None}]}),
    json.dumps({"memories": [LIVES, HAS, HAS, LIVES] * 50}),
    json.dumps({"memories": [LIVES, HAS, LIVES | {"text": "User lives in Bergen."}, HAS | {"quote": "my cat Tom"}]}),
]


@pytest.mark.parametrize("text", READ)
async def test_memories_in_a_clumsy_answer_are_stored_without_a_second_question(
    reader: Application, service: ChatService, clock: SettableClock, text: str
) -> None:
    await told(reader, clock)
    service.answer(said(text))
    assert await extract_session(reader, KEY) == 2
    assert await texts(reader) == {LIVES["text"], HAS["text"]}
    assert len(service.asked) == 1


@pytest.mark.parametrize("text", USELESS)
async def test_a_useless_answer_is_sent_back_once_and_then_the_messages_stay_owed(
    reader: Application, service: ChatService, clock: SettableClock, text: str
) -> None:
    await told(reader, clock)
    service.answer(said(text))
    with pytest.raises(Unavailable):
        await extract_session(reader, KEY)
    assert len(service.asked) == 2
    assert await facts(reader) == []
    assert await reader.sessions.owed_extractions(now=clock.now, limit=9)
    service.script += [said(text), {"memories": [LIVES, HAS]}]
    assert await extract_session(reader, KEY) == 2
    assert not await reader.sessions.owed_extractions(now=clock.now, limit=9)


async def test_an_item_that_stays_useless_costs_no_other_and_is_told(
    reader: Application, service: ChatService, clock: SettableClock
) -> None:
    await told(reader, clock)
    service.answer({"memories": [LIVES, "a dog", HAS]})
    assert await extract_session(reader, KEY) == 2
    assert len(service.asked) == 2


async def test_an_empty_list_is_an_answer(reader: Application, service: ChatService, clock: SettableClock) -> None:
    await told(reader, clock)
    service.answer(said("```json\n[]\n```"))
    assert await extract_session(reader, KEY) == 0
    assert len(service.asked) == 1
    assert not await reader.sessions.owed_extractions(now=clock.now, limit=9)


@pytest.mark.parametrize(
    "text",
    [
        '{"text": "User lives in Oslo.", "topics": "city", "entities": null}',
        "<think>short</think>{'text': 'User lives in Oslo.'}",
        'Draft: {"text": "Oslo", "topics": [], "entities": []} Final: {"summary": {"text": "User lives in Oslo."}}',
    ],
)
async def test_a_clumsy_summary_is_taken(
    reader: Application, service: ChatService, clock: SettableClock, text: str
) -> None:
    await put(reader, turn("m1", "I live in Oslo"), strategy=Strategy(name="summary"))
    clock.now += 30
    service.answer(said(text))
    assert await extract_session(reader, KEY) == 1
    assert await texts(reader) == {"User lives in Oslo."}


@pytest.mark.parametrize("text", ["", '{"text": ""}', '{"summary": 3'])
async def test_no_summary_is_stored_of_a_useless_answer(
    reader: Application, service: ChatService, clock: SettableClock, text: str
) -> None:
    await put(reader, turn("m1", "I live in Oslo"), strategy=Strategy(name="summary"))
    clock.now += 30
    service.answer(said(text))
    with pytest.raises(Unavailable):
        await extract_session(reader, KEY)
    assert await facts(reader) == []
    assert await reader.sessions.owed_extractions(now=clock.now, limit=9)


def fact(id_: str, text: str, **fields: Any) -> Memory:
    return memory(id_, text, **{"user_id": "ana", "topics": ("t",), "entities": ("e",), **fields})


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"pairs": [{"number": "1", "relation": "Same"}]}', {"a"}),
        ('[{"number": 1, "relation": "SAME", "text": null,}]', {"a"}),
        ('{"pairs": []}', {"a", "b"}),
        ('{"pairs": [{"number": 7, "relation": "same", "text": ""}]}', {"a", "b"}),
        ('[{"number": 1, "relation": "same"}, {"number": 1, "relation": "different"}]', {"a", "b"}),
    ],
)
async def test_a_clumsy_verdict_counts_as_far_as_it_is_clear(
    reader: Application, service: ChatService, text: str, left: set[str]
) -> None:
    await remember(
        reader, LOCAL, [fact("a", "User has lived in Rome since 2019."), fact("b", "User has lived in Rome.")]
    )
    await embed_everything(reader)
    service.answer(said(text))
    await consolidate(reader)
    assert {each.id for each in await facts(reader)} == left
    assert len(service.asked) == 1


@pytest.mark.parametrize("text", ["", "They are the same.", '{"pairs": [{"number": 1, "relation": "similar"}]}'])
async def test_without_a_clear_verdict_nothing_is_merged_and_the_pair_is_asked_about_again(
    reader: Application, service: ChatService, text: str
) -> None:
    await remember(
        reader, LOCAL, [fact("a", "User has lived in Rome since 2019."), fact("b", "User has lived in Rome.")]
    )
    await embed_everything(reader)
    service.answer(said(text))
    with pytest.raises(Unavailable):
        await consolidate(reader)
    assert {each.id for each in await facts(reader)} == {"a", "b"}
    service.answer({"pairs": [{"number": 1, "relation": "same", "text": ""}]})
    await consolidate(reader)
    assert {each.id for each in await facts(reader)} == {"a"}


@pytest.mark.parametrize(
    "text",
    [
        '{"memories": [{"number": "1", "topics": "travel", "entities": [{"name": "Oslo", "type": "city"}, "Bergen"]}]}',
        "```\n{'Number': 1, 'Topics': ['travel'], 'Entities': ['Oslo', 'Oslo']}\n```",
    ],
)
async def test_clumsy_labels_are_taken_and_invented_ones_are_not(
    reader: Application, service: ChatService, text: str
) -> None:
    await remember(reader, LOCAL, [memory("a", "User flew to Oslo.", user_id="ana")])
    service.answer(said(text))
    await label(reader)
    found = (await records(reader, "a"))["a"]
    assert (found.topics, found.entities) == (("travel",), ("Oslo",))
    assert len(service.asked) == 1


async def test_useless_labels_leave_the_record_owed(reader: Application, service: ChatService) -> None:
    await remember(reader, LOCAL, [memory("a", "User flew to Oslo.", user_id="ana")])
    service.answer(said("travel, Oslo"))
    with pytest.raises(Unavailable):
        await label(reader)
    assert [each.id for each in await reader.memories.unlabelled(limit=9)] == ["a"]
