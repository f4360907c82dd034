"""Runs in an environment with the real LangChain: tools, chat history and retriever."""

from __future__ import annotations

import asyncio
import os

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agent_memory_client import MemoryAPIClient, create_memory_client
from agent_memory_client.integrations import get_memory_tools as by_package
from agent_memory_client.integrations.langchain import (
    MemoryChatMessageHistory,
    MemoryRetriever,
    get_memory_tools,
)

URL = os.environ["MEMORY_URL"]


async def tools(client: MemoryAPIClient) -> None:
    assert by_package is get_memory_tools
    made = {tool.name: tool for tool in get_memory_tools(client, session_id="my_session", user_id="alice")}
    assert len(made) == 9
    assert "user_id" not in made["search_memory"].args
    memories = [{"text": "Alice prefers tea", "memory_type": "semantic"}]
    await made["eagerly_create_long_term_memory"].ainvoke({"memories": memories})
    await client.create_long_term_memory([{"text": "Bob prefers tea", "user_id": "bob"}])
    found = await made["search_memory"].ainvoke({"query": "tea"})
    assert "Alice prefers tea" in found
    assert "Bob" not in found
    call = {"type": "tool_call", "id": "c1", "name": "search_memory", "args": {"query": "tea"}}
    message = await made["search_memory"].ainvoke(call)
    assert isinstance(message, ToolMessage)
    assert await asyncio.to_thread(made["search_memory"].invoke, {"query": "tea"}) == found
    assert (await made["get_long_term_memory"].ainvoke({"memory_id": "unknown"})).startswith("Error: ")
    try:
        get_memory_tools(client, "s", tools=["nonsense"])
    except ValueError as exc:
        assert "Invalid tool names: nonsense" in str(exc)  # noqa: PT017
    else:
        raise AssertionError("an unknown tool was accepted")


async def history(client: MemoryAPIClient) -> None:
    chat = MemoryChatMessageHistory(client, "chat", user_id="alice")
    assert await chat.aget_messages() == []
    call = {"id": "c1", "name": "look", "args": {"at": "x"}, "type": "tool_call"}
    given = [
        HumanMessage("Hello"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("seen", tool_call_id="c1"),
        AIMessage("Hi"),
    ]
    await chat.aadd_messages(given[:2])
    await asyncio.to_thread(chat.add_messages, given[2:])
    for read in (await chat.aget_messages(), await asyncio.to_thread(lambda: chat.messages)):
        assert [(type(m), m.content) for m in read] == [(type(m), m.content) for m in given]
        assert read[1].tool_calls[0]["args"] == {"at": "x"}
    stored = await client.get_working_memory("chat", user_id="alice")
    assert (stored.messages[0].role, stored.messages[0].content) == ("user", "Hello")
    await chat.aclear()
    assert await chat.aget_messages() == []


async def retriever(client: MemoryAPIClient) -> None:
    await client.create_long_term_memory([{"id": "f1", "text": "Carol lives in Porto", "user_id": "carol"}])
    found = MemoryRetriever(memory_client=client, user_id="carol")
    for documents in (await found.ainvoke("Where?"), await asyncio.to_thread(found.invoke, "Where?")):
        assert [(d.page_content, d.id, d.metadata["user_id"]) for d in documents] == [
            ("Carol lives in Porto", "f1", "carol")
        ]


async def main() -> None:
    async with await create_memory_client(URL) as client:
        await tools(client)
        await history(client)
        await retriever(client)


asyncio.run(main())
