"""A chat model finds topics and entities of records that lack them: once for a text, checked, and waited for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.label import label, sweep_labels
from agent_memory_server.operations.recall import history
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.revise import revise
from tests.operations.given import memory, records
from tests.support.chat_service import Asked, ChatService, chat_service, failed, model_of, said, truncated
from tests.support.jobs import queue_of
from tests.support.waiting import until


@pytest.fixture
def service() -> Iterator[ChatService]:
    with chat_service() as running:
        yield running


@pytest.fixture
async def labelling(on_each_engine: Application, service: ChatService) -> AsyncIterator[Application]:
    model = model_of(service)
    yield replace(on_each_engine, fast_chat=model)
    await model.close()


def asked_texts(asked: Asked) -> dict[int, str]:
    lines = (json.loads(line) for line in asked.text.splitlines() if line.startswith('{"number"'))
    return {line["number"]: line["text"] for line in lines}


def labels(asked: Asked) -> dict[str, Any]:
    """The first word in lower case as the topic; capitalised words, and one that is not there, as entities."""
    found = []
    for number, text in asked_texts(asked).items():
        names = [word.strip(".") for word in text.split() if word[0].isupper()]
        found.append({"number": number, "topics": [text.split()[0].lower()], "entities": [*names, "Nowhere"]})
    return {"memories": found}


def fact(id_: str, text: str, **fields: Any) -> Memory:
    return memory(id_, text, **{"user_id": "ana", **fields})


async def one(app: Application, id_: str) -> Memory:
    return (await records(app, id_))[id_]


async def test_one_question_labels_many_records_and_changes_nothing_else(
    labelling: Application, service: ChatService
) -> None:
    service.answer(labels)
    told = [fact(f"f{n}", f"tea number {n} of Ana") for n in range(15)]
    await remember(labelling, LOCAL, told)
    before = await records(labelling, *(each.id for each in told))
    vectors = await labelling.memories.vectors([each.id for each in told])
    assert await label(labelling) == 15
    assert len(service.asked) == 1
    after = await records(labelling, *(each.id for each in told))
    for id_, found in after.items():
        assert (found.topics, found.entities, found.revision) == (("tea",), ("Ana",), 2)
        assert replace(found, topics=(), entities=(), revision=1) == before[id_]
    assert await labelling.memories.owed_embeddings(limit=99) == []
    again = await labelling.memories.vectors([each.id for each in told])
    assert {id_: vector.tolist() for id_, vector in again.items()} == {i: v.tolist() for i, v in vectors.items()}
    assert len(await history(labelling, LOCAL, "f0")) == 1


async def test_what_a_caller_gave_stays_and_only_the_rest_is_filled_in(
    labelling: Application, service: ChatService
) -> None:
    service.answer(labels)
    whole = fact("whole", "tea of Ana", topics=("a",), entities=("b",))
    await remember(labelling, LOCAL, [fact("half", "tea of Eva", topics=("mine",)), whole])
    await remember(labelling, LOCAL, [fact("m", "user: tea", memory_type=MemoryType.MESSAGE)])
    await label(labelling)
    assert ((await one(labelling, "half")).topics, (await one(labelling, "half")).entities) == (("mine",), ("Eva",))
    assert await one(labelling, "whole") == replace(
        whole,
        persisted_at=(await one(labelling, "whole")).persisted_at,
        memory_hash=(await one(labelling, "whole")).memory_hash,
    )
    assert [list(asked_texts(asked).values()) for asked in service.asked] == [["tea of Eva"]]


async def test_no_text_is_asked_about_twice_also_when_there_was_nothing_to_say(
    labelling: Application, service: ChatService
) -> None:
    service.answer({"memories": [{"number": n, "topics": [], "entities": []} for n in (1, 2)]})
    await remember(labelling, LOCAL, [fact("a", "hm"), fact("b", "so")])
    await label(labelling)
    assert await label(labelling) == 0
    await remember(labelling, LOCAL, [fact("c", "hm", user_id="eva"), fact("d", "so", session_id="s")])
    assert await label(labelling) == 2
    assert len(service.asked) == 1
    await revise(labelling, LOCAL, "a", {"text": "hm hm"})
    assert await label(labelling) == 1
    assert len(service.asked) == 2


async def test_what_was_read_out_of_a_conversation_came_with_its_labels(
    labelling: Application, service: ChatService
) -> None:
    await remember(labelling, LOCAL, [fact("a", "tea of Ana", metadata={"extracted_by": "a model"})])
    assert await label(labelling) == 1
    assert service.asked == []
    assert await sweep_labels(labelling) == 0


async def test_records_of_two_users_are_never_in_one_question(labelling: Application, service: ChatService) -> None:
    service.answer(labels)
    for user in ("ana", "eva"):
        await remember(labelling, LOCAL, [fact(f"{user}{n}", f"{user} {n}", user_id=user) for n in range(3)])
    await label(labelling)
    assert len(service.asked) == 2
    for asked in service.asked:
        assert len({text.split()[0] for text in asked_texts(asked).values()}) == 1


@pytest.mark.parametrize("outage", [failed(500), failed(429), said("no JSON"), said(""), truncated()])
async def test_an_outage_leaves_it_owed_and_the_sweep_finds_it_without_any_job(
    labelling: Application, service: ChatService, outage: Any
) -> None:
    service.outage = outage
    await remember(labelling, LOCAL, [fact("a", "tea of Ana")])
    with pytest.raises(Unavailable):
        await label(labelling)
    assert (await one(labelling, "a")).revision == 1
    service.outage = None
    service.answer(labels)
    assert await sweep_labels(labelling) == 1
    (claim,) = await queue_of(labelling).claim(now=labelling.clock(), lease_s=30, limit=9)
    assert claim.job.kind == "label_memories"
    await label(labelling)
    assert (await one(labelling, "a")).entities == ("Ana",)
    assert await sweep_labels(labelling) == 0


async def test_what_the_model_leaves_out_or_refuses_is_asked_once_more_and_holds_up_nothing(
    labelling: Application, service: ChatService
) -> None:
    def answer(asked: Asked) -> Any:
        if "poison" in asked.text:
            return failed(400, body={"error": {"code": "content_policy_violation", "message": "no"}})
        return {"memories": labels(asked)["memories"][:1] if "lazy" in asked.text else labels(asked)["memories"]}

    service.answer(answer)
    texts = ["tea of Ana", "lazy Bob", "lazy Eva"]
    await remember(labelling, LOCAL, [fact(f"f{n}", text) for n, text in enumerate(texts)])
    await remember(labelling, LOCAL, [fact("p", "poison of Ana", user_id="bob"), fact("q", "tea", user_id="bob")])
    assert await label(labelling) == 5
    found = await records(labelling, "f0", "f1", "f2", "p", "q")
    assert [found[id_].entities for id_ in ("f0", "f1", "f2", "p")] == [("Ana",), ("Bob",), ("Eva",), ()]
    assert found["q"].topics == ("tea",)
    assert await sweep_labels(labelling) == 0


async def test_an_edit_made_while_the_model_answers_is_not_written_over(
    labelling: Application, service: ChatService
) -> None:
    service.answer(labels)
    await remember(labelling, LOCAL, [fact("a", "tea of Ana")])

    async def asked() -> bool:
        return bool(service.asked)

    service.hold.clear()
    run = asyncio.ensure_future(label(labelling))
    await until(asked)
    await revise(labelling, LOCAL, "a", {"text": "coffee of Eva", "topics": ("mine",)})
    service.hold.set()
    await run
    await label(labelling)
    found = await one(labelling, "a")
    assert (found.text, found.topics, found.entities) == ("coffee of Eva", ("mine",), ("Eva",))


async def test_without_a_model_or_switched_off_it_stays_owed(labelling: Application, service: ChatService) -> None:
    await remember(labelling, LOCAL, [fact("a", "tea of Ana")])
    off = replace(labelling, options=replace(labelling.options, topics=False, entities=False))
    bare = replace(labelling, fast_chat=None)
    for app in (off, bare):
        assert await label(app) == await sweep_labels(app) == 0
    assert service.asked == []
    service.answer(labels)
    names_alone = replace(labelling, options=replace(labelling.options, topics=False))
    assert await label(names_alone) == 1
    assert ((await one(labelling, "a")).topics, (await one(labelling, "a")).entities) == ((), ("Ana",))
