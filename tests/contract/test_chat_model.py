"""What every chat model promises, whatever it is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from agent_memory_server.adapters.providers.chat.answering import ServiceChatModel
from agent_memory_server.adapters.providers.chat.anthropic_chat import AnthropicChat
from agent_memory_server.adapters.providers.chat.openai_chat import OpenAIChat
from agent_memory_server.adapters.providers.chat.service import ChatService as Service
from agent_memory_server.adapters.providers.chat.service import Structure
from agent_memory_server.adapters.providers.chat.wrappers.budgeted import Budgeted
from agent_memory_server.adapters.providers.chat.wrappers.limited import Limited
from agent_memory_server.adapters.providers.chat.wrappers.retrying import Breaker, Retrying
from agent_memory_server.adapters.providers.wrappers.patience import Patience
from agent_memory_server.domain.errors import InvalidRequest, Unavailable
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest
from tests.support.chat_service import ChatService, chat_service, said, truncated
from tests.support.spending import DictSpending

DISTANT_S = 60.0
SCHEMA = {
    "type": "object",
    "properties": {"memories": {"type": "array", "items": {"type": "object", "required": ["text"]}}},
    "required": ["memories"],
}
QUESTION = ChatRequest(purpose="extraction", instructions="Find memories.", text="I live in Vienna.", schema=SCHEMA)
PLAIN = ChatRequest(purpose="summary", instructions="Summarize.", text="I live in Vienna.")
FOUND = {"memories": [{"text": "User lives in Vienna."}]}


def openai(service: ChatService) -> OpenAIChat:
    return OpenAIChat(service.url, "some-model", timeout_s=DISTANT_S, connect_timeout_s=DISTANT_S)


def anthropic(service: ChatService) -> AnthropicChat:
    return AnthropicChat(service.url, "some-model", timeout_s=DISTANT_S, connect_timeout_s=DISTANT_S)


def wrapped(service: ChatService) -> Service:
    patience = Patience(attempts=1, backoff_s=0.001, timeout_s=DISTANT_S)
    breaker = Breaker(Retrying(openai(service), patience), model="some-model", failures=9, cooldown_s=DISTANT_S)
    return Budgeted(breaker, DictSpending(), tokens_per_day=10**9, clock=lambda: 0.0)


def made(service: Service, best: Structure = Structure.SCHEMA) -> ServiceChatModel:
    return ServiceChatModel(service, model="some-model", context_tokens=8000, timeout_s=DISTANT_S, best=best)


MAKERS: dict[str, Callable[[ChatService], ChatModel]] = {
    "openai": lambda service: made(openai(service)),
    "openai as object": lambda service: made(openai(service), Structure.OBJECT),
    "openai in words": lambda service: made(openai(service), Structure.TEXT),
    "anthropic": lambda service: made(anthropic(service)),
    "anthropic in words": lambda service: made(anthropic(service), Structure.TEXT),
    "wrapped": lambda service: Limited(made(wrapped(service)), at_once=2),
}


@pytest.fixture
def service() -> Iterator[ChatService]:
    with chat_service() as running:
        yield running


@pytest.fixture(params=MAKERS)
async def model(request: pytest.FixtureRequest, service: ChatService) -> AsyncIterator[ChatModel]:
    made_model = MAKERS[request.param](service)
    yield made_model
    await made_model.close()


async def test_an_answer_has_the_form_that_was_asked_for(service: ChatService, model: ChatModel) -> None:
    service.answer(FOUND)
    answer = await model.ask(QUESTION)
    assert answer.value == FOUND
    (asked,) = service.asked
    assert asked.body["model"] == "some-model"
    assert QUESTION.instructions in asked.system
    assert asked.text == QUESTION.text


async def test_a_plain_question_gets_plain_text(service: ChatService, model: ChatModel) -> None:
    service.answer("<think>Short, then.</think>\nUser lives in Vienna. ")
    answer = await model.ask(PLAIN)
    assert (answer.text, answer.value) == ("User lives in Vienna.", None)


@pytest.mark.parametrize("counted", [True, False])
async def test_tokens_are_counted_or_estimated(service: ChatService, model: ChatModel, counted: bool) -> None:
    service.counts_tokens = counted
    answer = await model.ask(PLAIN)
    assert answer.prompt_tokens > 0
    assert answer.answer_tokens > 0


@pytest.mark.parametrize(
    "first",
    [said(""), said("I found nothing."), said('{"memories": [{"text"'), said('{"other": []}'), truncated()],
    ids=["empty", "no JSON", "malformed", "wrong form", "truncated"],
)
async def test_an_unusable_answer_is_repaired_once(service: ChatService, model: ChatModel, first: object) -> None:
    service.script.append(first)  # type: ignore[arg-type]
    service.answer(FOUND)
    answer = await model.ask(QUESTION)
    assert answer.value == FOUND
    assert len(service.asked) == 2
    assert answer.prompt_tokens >= sum(asked.prompt_tokens for asked in service.asked) * 0.5


async def test_a_second_unusable_answer_is_a_failure_that_may_pass(service: ChatService, model: ChatModel) -> None:
    service.answer(said("no JSON"))
    with pytest.raises(Unavailable, match="cannot be used"):
        await model.ask(QUESTION)
    assert len(service.asked) == 2


async def test_a_cut_answer_gets_more_room_and_never_counts_in_part(service: ChatService, model: ChatModel) -> None:
    service.answer(truncated('{"memories": [{"text": "one"}]} and then'))
    with pytest.raises(Unavailable):
        await model.ask(QUESTION)
    limits = [asked.body["max_tokens"] for asked in service.asked]
    assert limits[1] > limits[0]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_failing_service_is_unavailable(service: ChatService, model: ChatModel, status: int) -> None:
    service.fail(status)
    with pytest.raises(Unavailable):
        await model.ask(PLAIN)
    assert (await model.ask(PLAIN)).text == "An answer."


async def test_a_refused_question_is_told_apart_from_a_failure(service: ChatService, model: ChatModel) -> None:
    service.fail(400, times=9, body={"error": {"code": "context_length_exceeded", "message": "I live in Vienna."}})
    with pytest.raises(InvalidRequest) as refused:
        await model.ask(QUESTION)
    assert "Vienna" not in str(refused.value)


async def test_closing_twice_harms_nothing(model: ChatModel) -> None:
    assert model.trouble() is None
    assert model.context_tokens == 8000
    await model.close()
    await model.close()
