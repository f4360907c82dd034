"""The client against a running server: what it promises beyond sending requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from agent_memory_client import MemoryAPIClient, MemoryValidationError
from agent_memory_client.models import MemoryMessage, MemoryStrategyConfig, WorkingMemory
from tests.support.rest import BASE, serving


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[MemoryAPIClient]:
    async with serving(tmp_path) as server:
        transport = httpx2.ASGITransport(app=server.api)
        async with MemoryAPIClient(base_url=BASE, transport=transport, timeout=60) as client:
            yield client


async def test_the_first_program_of_a_newcomer_runs(client: MemoryAPIClient) -> None:
    memory = {"text": "User prefers morning meetings", "user_id": "user123", "memory_type": "preference"}
    await client.create_long_term_memories([memory])
    results = await client.search_long_term_memory(text="What time does the user like meetings?", user_id="user123")
    [found] = results.memories
    assert (found.text, found.memory_type, found.topics) == (
        "User prefers morning meetings",
        "semantic",
        ["preference"],
    )


async def test_writers_of_one_session_at_once_lose_nothing(client: MemoryAPIClient) -> None:
    await asyncio.gather(
        *(client.update_working_memory_data("s", {f"key{n}": n}) for n in range(8)),
        *(client.append_messages("s", [{"role": "user", "content": str(n)}]) for n in range(8)),
        *(client.add_memories_to_working_memory("s", [{"text": f"fact {n}"}]) for n in range(8)),
    )
    session = await client.get_working_memory("s")
    assert session.data == {f"key{n}": n for n in range(8)}
    assert sorted(message.content for message in session.messages) == [str(n) for n in range(8)]
    assert len(session.memories) == 8


async def test_a_change_of_data_keeps_everything_else_whatever_window_the_client_has(client: MemoryAPIClient) -> None:
    messages = [MemoryMessage(role="user", content="a long message " * 30) for _ in range(5)]
    strategy = MemoryStrategyConfig(strategy="summary")
    memory = WorkingMemory(
        session_id="s", messages=messages, ttl_seconds=999, tokens=7, long_term_memory_strategy=strategy
    )
    before = await client.put_working_memory("s", memory)
    narrow = MemoryAPIClient(client.config.model_copy(update={"default_context_window_max": 50}))
    narrow._transport = client._transport
    await narrow.set_working_memory_data("s", {"a": 1})
    after = await client.get_working_memory("s")
    assert (after.data, len(after.messages)) == ({"a": 1}, 5)
    assert (after.ttl_seconds, after.tokens, after.long_term_memory_strategy.strategy) == (999, 7, "summary")
    assert after.created_at == before.created_at.replace(microsecond=after.created_at.microsecond)


async def test_a_session_made_at_once_by_several_is_made_by_one_of_them(client: MemoryAPIClient) -> None:
    made = await asyncio.gather(*(client.get_or_create_working_memory("s") for _ in range(8)))
    assert sorted(created for created, _ in made) == [False] * 7 + [True]


async def test_an_unknown_way_of_merging_is_refused_before_anything_happens(client: MemoryAPIClient) -> None:
    with pytest.raises(MemoryValidationError, match="'sideways'"):
        await client.update_working_memory_data("s", {"a": 1}, merge_strategy="sideways")  # type: ignore[arg-type]
    assert (await client.list_sessions()).total == 0


MINE = {"id": "mine", "text": "Ana prefers tea", "user_id": "ana", "namespace": "n"}
THEIRS = {"id": "theirs", "text": "Bob prefers tea", "user_id": "bob", "namespace": "n"}


async def resolved(client: MemoryAPIClient, name: str, **arguments: Any) -> tuple[bool, str]:
    call = {"id": "c", "type": "tool_use", "name": name, "input": arguments}
    answer = await client.resolve_tool_call(call, "s", namespace="n", user_id="ana")
    return answer["success"], answer["formatted_response"]


async def test_a_model_reaches_only_what_its_caller_may_reach(client: MemoryAPIClient) -> None:
    await client.create_long_term_memory([MINE, THEIRS])
    found, text = await resolved(client, "search_memory", query="tea", user_id="bob")
    assert found
    assert "Ana prefers tea (ID: mine" in text
    assert "Bob" not in text
    assert (await resolved(client, "get_long_term_memory", memory_id="theirs"))[0] is False
    assert (await resolved(client, "edit_long_term_memory", memory_id="theirs", text="x"))[0] is False
    assert await resolved(client, "delete_long_term_memories", memory_ids=["theirs", "mine"]) == (
        True,
        "ok, deleted 1 memories",
    )
    assert (await client.get_long_term_memory("theirs")).text == "Bob prefers tea"


async def test_a_model_cannot_move_a_memory_to_another_user_or_store_one_there(client: MemoryAPIClient) -> None:
    await client.create_long_term_memory([MINE])
    changes = {"memory_id": "mine", "text": "Ana prefers coffee", "user_id": "bob", "namespace": "m"}
    assert (await resolved(client, "edit_long_term_memory", **changes))[0]
    record = await client.get_long_term_memory("mine")
    assert (record.text, record.user_id, record.namespace) == ("Ana prefers coffee", "ana", "n")
    memory = {"text": "Ana has a cat", "memory_type": "semantic", "user_id": "bob"}
    assert (await resolved(client, "eagerly_create_long_term_memory", memories=[memory]))[0]
    assert (await client.list_long_term_memories(user_id="bob")).total == 0
    assert (await client.list_long_term_memories(user_id="ana")).total == 2


async def test_a_call_that_fails_is_told_to_the_model_and_never_raised(client: MemoryAPIClient) -> None:
    calls: list[tuple[str, Any, str]] = [
        ("nonsense", {}, "Unknown function: nonsense"),
        ("search_memory", "{", "Invalid JSON arguments"),
        ("search_memory", "[]", "not a JSON object"),
        ("search_memory", {}, "'query' is required"),
        ("search_memory", {"query": "x", "search_mode": "keyword", "min_relevance": 0.5}, "min_relevance"),
        ("lazily_create_long_term_memory", {"text": "x", "memory_type": "odd"}, "memory_type"),
        ("delete_long_term_memories", {"memory_ids": "mine"}, "must be a list"),
    ]
    for name, arguments, reason in calls:
        answer = await client.resolve_function_call(name, arguments, "s")
        assert (answer["success"], answer["function_name"]) == (False, name)
        assert reason in str(answer["error"])


async def test_the_old_names_of_tools_still_work_with_a_warning(client: MemoryAPIClient) -> None:
    arguments = {"memories": [{"text": "Ana prefers tea", "memory_type": "semantic"}]}
    with pytest.warns(DeprecationWarning, match="eagerly_create_long_term_memory"):
        answer = await client.resolve_function_call("create_long_term_memory", arguments, "s")
    assert answer["success"]


async def test_every_tool_that_a_model_is_given_is_resolved(client: MemoryAPIClient) -> None:
    for name in client.get_all_memory_tool_schemas().names():
        answer = await client.resolve_function_call(name, {}, "s")
        assert "Unknown function" not in (answer["error"] or "")
