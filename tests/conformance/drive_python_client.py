"""Runs in an environment with the published Python client, as it is: every method that has a route of this server."""

from __future__ import annotations

import asyncio
import os
import warnings
from datetime import UTC, datetime

from agent_memory_client import (
    CreateSummaryViewRequest,
    ForgetPolicy,
    MemoryAPIClient,
    MemoryNotFoundError,
    MemoryServerError,
    create_memory_client,
)
from agent_memory_client.filters import CreatedAt, Topics, UserId
from agent_memory_client.models import ClientMemoryRecord, MemoryMessage, MemoryTypeEnum, RecencyConfig, WorkingMemory

URL = os.environ["MEMORY_URL"]
NOW = datetime.now(UTC)


def said(role: str, content: str) -> MemoryMessage:
    return MemoryMessage(role=role, content=content, created_at=NOW)


async def sessions(client: MemoryAPIClient) -> None:
    created, session = await client.get_or_create_working_memory("s1", user_id="u")
    assert created and session.messages == []  # noqa: PT018
    assert (await client.get_or_create_working_memory("s1", user_id="u"))[0] is False
    memory = WorkingMemory(session_id="s1", user_id="u", messages=[said("user", "Hello")], memories=[], data={"a": 1})
    put = await client.put_working_memory("s1", memory)
    assert (put.messages[0].content, put.data) == ("Hello", {"a": 1})
    appended = await client.append_messages_to_working_memory("s1", [said("assistant", "Hi")], user_id="u")
    assert [message.content for message in appended.messages] == ["Hello", "Hi"]
    updated = await client.update_working_memory_data("s1", {"b": {"c": 2}}, user_id="u", merge_strategy="deep_merge")
    assert updated.data == {"a": 1, "b": {"c": 2}}
    assert len(updated.messages) == 2
    # The published client reads and puts back without the user in the next two, so they get a session without one.
    assert (await client.set_working_memory_data("s2", {"x": 1})).data == {"x": 1}
    fact = ClientMemoryRecord(text="Ana prefers tea", memory_type=MemoryTypeEnum.SEMANTIC)
    assert len((await client.add_memories_to_working_memory("s2", [fact])).memories) == 1
    assert (await client.promote_working_memories_to_long_term("s2")).status == "ok"
    listed = await client.list_sessions(user_id="u")
    assert (listed.sessions, listed.total) == (["s1"], 1)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        assert (await client.get_working_memory("s1", user_id="u")).data == {"a": 1, "b": {"c": 2}}
    assert (await client.delete_working_memory("s2")).status == "ok"


async def records(client: MemoryAPIClient) -> None:
    tea = ClientMemoryRecord(text="Bob drinks tea", user_id="bob", topics=["drinks"], memory_type="semantic")
    dog = ClientMemoryRecord(text="Bob walks his dog", user_id="bob", topics=["pets"], memory_type="episodic")
    assert (await client.create_long_term_memory([tea, dog])).status == "ok"
    assert (await client.get_long_term_memory(tea.id)).text == "Bob drinks tea"
    edited = await client.edit_long_term_memory(dog.id, {"text": "Bob walks his cat", "topics": ["pets", "cats"]})
    assert (edited.text, edited.topics) == ("Bob walks his cat", ["pets", "cats"])
    found = await client.search_long_term_memory(
        "tea",
        user_id=UserId(in_=["bob", "nobody"]),
        topics=Topics(none=["pets"]),
        created_at=CreatedAt(gte=datetime(2020, 1, 1, tzinfo=UTC)),
        recency=RecencyConfig(recency_boost=True, semantic_weight=0.8, recency_weight=0.2),
        limit=5,
    )
    assert [memory.id for memory in found.memories] == [tea.id]
    assert found.total == 1
    everything = client.search_all_long_term_memories("Bob", user_id={"eq": "bob"}, batch_size=1)
    assert {memory.id async for memory in everything} == {tea.id, dog.id}
    facts = [ClientMemoryRecord(text=f"fact {n}", user_id="bulk") for n in range(5)]
    acks = await client.bulk_create_long_term_memories([facts], batch_size=2, delay_between_batches=0)
    assert [ack.status for ack in acks] == ["ok"] * 3
    forgotten = await client.forget_long_term_memories(ForgetPolicy(budget=2), user_id="bulk", dry_run=True)
    assert (forgotten.scanned, forgotten.deleted, forgotten.dry_run) == (5, 3, True)
    assert (await client.forget_long_term_memories(ForgetPolicy(budget=2), user_id="bulk")).deleted == 3
    assert (await client.delete_long_term_memories([dog.id])).status == "ok, deleted 1 memories"
    try:
        await client.get_long_term_memory(dog.id)
    except MemoryNotFoundError:
        pass
    else:
        raise AssertionError("a deleted memory was answered")
    try:
        await client.edit_long_term_memory(tea.id, {})
    except MemoryServerError as exc:
        assert exc.status_code == 400  # noqa: PT017
    else:
        raise AssertionError("an empty edit was accepted")


async def prompts(client: MemoryAPIClient) -> None:
    prompt = await client.memory_prompt("And now?", session_id="s1", user_id="u", long_term_search={"limit": 2})
    assert prompt["messages"][-1]["content"]["text"] == "And now?"
    assert prompt["messages"][0]["content"]["text"] == "Hello"
    hydrated = await client.hydrate_memory_prompt("tea", user_id={"eq": "bob"}, limit=1)
    assert "Bob drinks tea" in hydrated["messages"][0]["content"]["text"]


async def tools(client: MemoryAPIClient) -> None:
    calls = [
        ("search_memory", {"query": "tea", "user_id": "bob"}),
        ("get_or_create_working_memory", {}),
        ("lazily_create_long_term_memory", {"text": "Ana has a cat", "memory_type": "semantic"}),
        ("update_working_memory_data", {"data": {"k": 1}}),
        ("eagerly_create_long_term_memory", {"memories": [{"text": "Ana sings", "memory_type": "semantic"}]}),
        ("get_current_datetime", {}),
    ]
    for name, arguments in calls:
        answer = await client.resolve_tool_call(
            {"id": "c", "type": "tool_use", "name": name, "input": arguments}, session_id="tools"
        )
        assert answer["success"], answer
        if name == "search_memory":
            # The published client tells the model only how many memories there are; they are in the result.
            assert answer["formatted_response"] == "Found 1 relevant memories for: tea"
            assert answer["result"]["memories"][0]["text"] == "Bob drinks tea"


async def views(client: MemoryAPIClient) -> None:
    view = await client.create_summary_view(CreateSummaryViewRequest(source="long_term", group_by=["user_id"]))
    assert view.id in {each.id for each in await client.list_summary_views()}
    assert (await client.get_summary_view(view.id)).group_by == ["user_id"]
    result = await client.run_summary_view_partition(view.id, {"user_id": "nobody"})
    assert result.memory_count == 0
    assert len(await client.list_summary_view_partitions(view.id)) == 1
    task = await client.run_summary_view(view.id)
    assert (await client.get_task(task.id)).id == task.id
    assert (await client.delete_summary_view(view.id)).status == "ok"


async def main() -> None:
    client = await create_memory_client(URL, default_namespace="published")
    async with client:
        assert (await client.health_check()).now > 1_700_000_000
        await sessions(client)
        await records(client)
        await prompts(client)
        await tools(client)
        await views(client)


asyncio.run(main())
