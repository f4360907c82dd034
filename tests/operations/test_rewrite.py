"""Queries rewritten by a chat model, and what happens when it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.query import Mode
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.context import memory_prompt
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.remember import remember
from agent_memory_server.operations.rewrite import optimized_search
from agent_memory_server.operations.search import Found, Question
from tests.operations.given import NOW, SettableClock, memory
from tests.support.chat_service import ChatService, chat_service, failed, model_of, said
from tests.support.rest import application

ASKED = "so, hm, could you maybe tell me something about zebras?"


@pytest.fixture
def service() -> Iterator[ChatService]:
    with chat_service() as running:
        yield running


async def opened(folder: Path, service: ChatService, rules: Options | None = None) -> AsyncIterator[Application]:
    model = model_of(service)
    async with application(folder, clock=SettableClock(NOW), chat=model, rules=rules) as app:
        await remember(app, LOCAL, [memory("zebra"), memory("river")])
        yield app
    await model.close()


@pytest.fixture
async def app(tmp_path: Path, service: ChatService) -> AsyncIterator[Application]:
    async for running in opened(tmp_path, service):
        yield running


async def first(app: Application, **fields: object) -> Found:
    return await optimized_search(app, LOCAL, Question(**({"text": ASKED, "limit": 1} | fields)))  # type: ignore[arg-type]


async def test_the_rewritten_query_is_searched(app: Application, service: ChatService) -> None:
    service.answer('"text of zebra"\n')
    found = await first(app)
    assert [hit.memory.id for hit in found.hits] == ["zebra"]
    assert found.degraded == ()
    assert ASKED in service.asked[0].text


async def test_only_semantic_searches_for_a_text_are_rewritten(app: Application, service: ChatService) -> None:
    for fields in ({"mode": Mode.KEYWORD}, {"mode": Mode.HYBRID}, {"text": None}, {"text": " "}):
        await first(app, **fields)
    assert service.asked == []


async def test_a_model_that_fails_changes_nothing_and_is_told(app: Application, service: ChatService) -> None:
    service.outage = failed(500)
    found = await first(app, text="text of zebra")
    assert [hit.memory.id for hit in found.hits] == ["zebra"]
    assert "not rewritten" in found.degraded[0]


@pytest.mark.parametrize("answer", [said("x"), said("long " * 500)])
async def test_a_rewrite_that_cannot_be_a_query_is_discarded(
    app: Application, service: ChatService, answer: object
) -> None:
    service.answer(answer)  # type: ignore[arg-type]
    assert [hit.memory.id for hit in (await first(app, text="text of zebra")).hits] == ["zebra"]


async def test_the_text_itself_is_searched_when_the_rewrite_finds_nothing(
    app: Application, service: ChatService
) -> None:
    service.answer("something else entirely")
    found = await first(app, text="text of zebra", within=0.001)
    assert [hit.memory.id for hit in found.hits] == ["zebra"]


async def test_a_slow_model_delays_a_search_by_no_more_than_the_limit(tmp_path: Path, service: ChatService) -> None:
    service.hold.clear()
    async for app in opened(tmp_path, service, Options(rewrite_timeout_s=0.05)):
        found = await first(app, text="text of zebra")
        assert [hit.memory.id for hit in found.hits] == ["zebra"]
        assert "longer than 0.05 s" in found.degraded[0]
        service.hold.set()


async def test_the_operators_own_prompt_is_used(tmp_path: Path, service: ChatService) -> None:
    service.answer("text of zebra", when='{"rewrite"')
    async for app in opened(tmp_path, service, Options(rewrite_prompt='{"rewrite"}: {query}')):
        assert [hit.memory.id for hit in (await first(app)).hits] == ["zebra"]


async def test_a_prompt_searches_the_rewrite_and_holds_the_query_as_given(
    app: Application, service: ChatService
) -> None:
    service.answer("text of zebra")
    question = Question(limit=1)
    built = await memory_prompt(app, LOCAL, ASKED, session=None, long_term=question, optimize=True)
    assert [hit.memory.id for hit in built.memories or ()] == ["zebra"]
    assert built.messages[-1].text == ASKED
