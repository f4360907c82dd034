"""Chat services in detail: what is sent, what is found out, when one is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from agent_memory_server.adapters.providers.chat.answering import ServiceChatModel
from agent_memory_server.adapters.providers.chat.open_chat import Addresses, opened_chats
from agent_memory_server.adapters.providers.chat.openai_chat import OpenAIChat
from agent_memory_server.adapters.providers.chat.parsing import NotThis, parsed
from agent_memory_server.adapters.providers.chat.schema import is_strict
from agent_memory_server.adapters.providers.chat.settings import ChatSettings
from agent_memory_server.domain.errors import DeadlineExceeded, StartRefused, Unavailable
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest
from tests.operations.given import SettableClock
from tests.support.chat_service import Asked, ChatService, chat_service, failed, model_of
from tests.support.spending import DictSpending
from tests.support.waiting import until

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"topics": {"type": "array", "items": {"type": "string"}}},
    "required": ["topics"],
    "additionalProperties": False,
}
QUESTION = ChatRequest(purpose="topics", instructions="Name topics.", text="I live in Vienna.", schema=SCHEMA)
PLAIN = ChatRequest(purpose="summary", instructions="Summarize.", text="I live in Vienna.")
DAY_S = 86_400.0


@pytest.fixture
def service() -> Iterator[ChatService]:
    with chat_service() as running:
        yield running


@pytest.fixture
async def model(service: ChatService) -> AsyncIterator[ServiceChatModel]:
    made = model_of(service)
    yield made
    await made.close()


def knows_no_schema(asked: Asked) -> Any:
    if asked.body.get("response_format", {}).get("type") == "json_schema":
        return failed(400, body={"error": {"param": "response_format", "code": "unsupported"}})
    return {"topics": ["home"]}


async def test_the_best_structure_that_a_service_takes_is_remembered(
    service: ChatService, model: ServiceChatModel
) -> None:
    service.answer(knows_no_schema)
    for _ in range(2):
        assert (await model.ask(QUESTION)).value == {"topics": ["home"]}
    kinds = [asked.body["response_format"]["type"] for asked in service.asked]
    assert kinds == ["json_schema", "json_object", "json_object"]
    assert "JSON Schema" in service.asked[-1].system


async def test_a_closed_schema_is_enforced_strictly(service: ChatService, model: ServiceChatModel) -> None:
    await model.ask(QUESTION)
    assert service.asked[0].body["response_format"]["json_schema"]["strict"] is True
    assert not is_strict({**SCHEMA, "required": []})


async def test_members_that_a_model_refuses_are_renamed_or_left_out(service: ChatService) -> None:
    def picky(asked: Asked) -> Any:
        for name in ("max_tokens", "temperature"):
            if name in asked.body:
                return failed(400, body={"error": {"param": name, "code": "unsupported_parameter"}})
        return "Yes."

    service.answer(picky)
    client = OpenAIChat(service.url, "o9", timeout_s=60, connect_timeout_s=60, temperature=0.5)
    asking = ServiceChatModel(client, model="o9", context_tokens=8000, timeout_s=60)
    for _ in range(2):
        assert (await asking.ask(PLAIN)).text == "Yes."
    assert len(service.asked) == 4  # remembered by the second question
    assert "max_completion_tokens" in service.asked[-1].body
    await asking.close()


async def test_a_failure_that_passes_is_not_seen(service: ChatService, model: ServiceChatModel) -> None:
    service.fail(429, headers={"Retry-After": "0.01"})
    assert (await model.ask(PLAIN)).text == "An answer."
    assert len(service.asked) == 2


async def test_a_model_that_does_not_answer_is_given_up_in_time(service: ChatService) -> None:
    service.hold.clear()
    slow = model_of(service, timeout_s=0.05)
    with pytest.raises(DeadlineExceeded):
        await slow.ask(PLAIN)
    service.hold.set()
    await slow.close()


def settings(service: ChatService, **fields: Any) -> tuple[ChatSettings, Addresses]:
    chosen: dict[str, Any] = {"generation_model": "big", "backoff_s": 0.0, "attempts": 1} | fields
    return ChatSettings(**chosen), Addresses(openai_base=service.url, openai_key=SecretStr("key-1"))


async def test_a_service_that_goes_on_failing_is_left_alone_and_says_so(service: ChatService) -> None:
    chat, addresses = settings(service, breaker_failures=2, breaker_cooldown_s=60)
    service.outage = failed(500)
    async with opened_chats(chat, addresses, spending=DictSpending(), clock=lambda: 0.0) as chats:
        assert chats.generation is not None
        for _ in range(3):
            with pytest.raises(Unavailable):
                await chats.generation.ask(PLAIN)
        assert "asked again in" in (chats.generation.trouble() or "")
    assert len(service.asked) == 2


async def test_a_budget_ends_with_the_day_and_outlives_the_process(service: ChatService) -> None:
    chat, addresses = settings(service, tokens_per_day=5)
    spending, clock = DictSpending(), SettableClock(0.0)
    for _ in range(2):  # the second round is another process on the same store
        async with opened_chats(chat, addresses, spending=spending, clock=clock) as chats:
            assert chats.generation is not None
            if not service.asked:
                await chats.generation.ask(PLAIN)
            with pytest.raises(Unavailable, match="CHAT_TOKENS_PER_DAY"):
                await chats.generation.ask(PLAIN)
            assert "midnight" in (chats.generation.trouble() or "")
            assert len(service.asked) == 1
    clock.now = DAY_S
    async with opened_chats(chat, addresses, spending=spending, clock=clock) as chats:
        assert chats.generation is not None
        assert (await chats.generation.ask(PLAIN)).text == "An answer."


async def test_no_more_questions_are_under_way_than_allowed(service: ChatService) -> None:
    chat, addresses = settings(service, at_once=2)
    service.hold.clear()
    async with opened_chats(chat, addresses, spending=DictSpending(), clock=lambda: 0.0) as chats:
        assert chats.generation is not None
        asking = [asyncio.create_task(chats.generation.ask(PLAIN)) for _ in range(5)]

        async def two_came() -> bool:
            return len(service.asked) >= 2

        await until(two_came)
        assert len(service.asked) == 2
        service.hold.set()
        await asyncio.gather(*asking)
    assert len(service.asked) == 5


async def test_models_are_chosen_by_their_names(service: ChatService) -> None:
    async def asked(chat: ChatSettings, where: Addresses) -> Asked:
        async with opened_chats(chat, where, spending=DictSpending(), clock=lambda: 0.0) as chats:
            model: ChatModel | None = chats.fast
            assert model is not None
            await model.ask(PLAIN)
        return service.asked[-1]

    _, here = settings(service)
    seen = await asked(ChatSettings(generation_model="meta-llama/Llama-3"), here)
    assert (seen.body["model"], seen.headers["authorization"]) == ("meta-llama/Llama-3", "Bearer key-1")
    seen = await asked(ChatSettings(fast_model="ollama/qwen3:4b"), Addresses(ollama_base=service.url))
    assert (seen.body["model"], seen.headers.get("authorization")) == ("qwen3:4b", None)
    base = service.url.removesuffix("/v1")
    keyed = ChatSettings(generation_model="claude-haiku-4-5", anthropic_base=base, anthropic_key=SecretStr("key-2"))
    seen = await asked(keyed, here)
    assert (seen.path, seen.headers["x-api-key"]) == ("/v1/messages", "key-2")


@pytest.mark.parametrize(("model", "needed"), [("gpt-5", "OPENAI_API_KEY"), ("claude-haiku-4-5", "ANTHROPIC_API_KEY")])
async def test_a_missing_key_stops_the_start_and_is_named(model: str, needed: str) -> None:
    with pytest.raises(StartRefused, match=f"GENERATION_MODEL={model} needs {needed}"):
        async with opened_chats(
            ChatSettings(generation_model=model), Addresses(), spending=DictSpending(), clock=lambda: 0.0
        ):
            pass


async def test_no_model_is_opened_when_none_is_set() -> None:
    async with opened_chats(ChatSettings(), Addresses(), spending=DictSpending(), clock=lambda: 0.0) as chats:
        assert chats.generation is None
        assert chats.fast is None


@pytest.mark.parametrize(
    "text",
    [
        '{"topics": ["a"]}',
        'Sure!\n```json\n{"topics": ["a"]}\n```\nAnything else {today}?',
        '<think>{"topics": 1}</think>{"topics": ["a"]} trailing',
        '["a"]',
        '{"reason": "x"} {"topics": ["a"], "more": 1}',
    ],
)
def test_json_is_found_in_what_a_model_wrote(text: str) -> None:
    assert parsed(text, SCHEMA).value["topics"] == ["a"]


@pytest.mark.parametrize("text", ["", "none", '{"topics": ["a", "b"', '{"topics": [[]]}', "[" * 100_000])
def test_what_is_no_answer_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(NotThis):
        parsed(text, SCHEMA)


def test_halves_of_characters_do_not_reach_the_store() -> None:
    parsed(r'{"topics": ["\ud83d"]}', SCHEMA).value["topics"][0].encode("utf-8")
