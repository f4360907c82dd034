"""Official clients on every transport, in both generations of the protocol: the same answers everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from agent_memory_server.interfaces.mcp.catalogue import TOOLS
from agent_memory_server.interfaces.mcp.guide import GUIDE, INSTRUCTIONS, SERVER_NAME
from agent_memory_server.interfaces.mcp.options import McpOptions
from tests.support.mcp import Calls, calls, client, events, stdio_client_of, streamable

HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
Connect = Callable[[str | None], AbstractAsyncContextManager[Client]]
"""A client of the server under test, in a namespace or in none."""

WAYS = {
    "stdio, handshake": ("stdio", "legacy"),
    "stdio, stateless": ("stdio", "auto"),
    "streamable, handshake": ("mcp", "legacy"),
    "streamable, stateless": ("mcp", "auto"),
    "sse, handshake": ("sse", "legacy"),
    "sse, stateless": ("sse", "auto"),
}
ways = pytest.mark.parametrize("way", WAYS)


@asynccontextmanager
async def server(way: str, folder: Path) -> AsyncIterator[Connect]:
    transport, mode = WAYS[way]
    if transport == "stdio":

        def by_process(namespace: str | None) -> AbstractAsyncContextManager[Client]:
            settings = {"DEFAULT_MCP_NAMESPACE": namespace} if namespace else {}
            return stdio_client_of(folder, mode, **settings)

        yield by_process
        return
    async with calls(folder) as call, (streamable if transport == "mcp" else events)(call.app) as url:

        def by_address(namespace: str | None) -> AbstractAsyncContextManager[Client]:
            return client(f"{url}/{namespace}/{transport}" if namespace else f"{url}/{transport}", mode)

        yield by_address


async def answer(one: Client, tool: str, **arguments: Any) -> Any:
    result = await one.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


async def texts(one: Client, **filters: Any) -> list[str]:
    found = await answer(one, "search_long_term_memory", text=None, **filters)
    return sorted(memory["text"] for memory in found["memories"])


@ways
async def test_a_client_finds_the_same_server_on_every_way(way: str, tmp_path: Path) -> None:
    async with server(way, tmp_path) as connect, connect(None) as one:
        assert one.protocol_version == (STATELESS if WAYS[way][1] == "auto" else HANDSHAKE)
        assert one.server_info is not None
        assert one.server_info.name == SERVER_NAME
        assert one.instructions == INSTRUCTIONS
        listed = (await one.list_tools()).tools
        shown = [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in listed]
        assert shown == [tool.listed() for tool in TOOLS.values()]
        stored = await answer(one, "create_long_term_memories", memories=[{"text": "a fact", "user_id": "u"}])
        assert stored["items"][0]["status"] == "created"
        assert await texts(one, user_id={"eq": "u"}) == ["a fact"]
        await answer(one, "set_working_memory", session_id="s", messages=[{"role": "user", "content": "Hi"}])
        assert (await answer(one, "get_working_memory", session_id="s"))["messages"][0]["content"] == "Hi"
        mistaken = await one.call_tool("search_long_term_memory", {"text": "x", "limit": 101})
        assert mistaken.is_error
        assert "limit" in mistaken.content[0].text  # type: ignore[union-attr]
        assert (await one.call_tool("no_such_tool", {})).is_error
        assert [prompt.name for prompt in (await one.list_prompts()).prompts] == ["recall", "remember"]
        recalled = await one.get_prompt("recall", {"question": "which fact?"})
        assert recalled.messages[-1].content.text == "which fact?"  # type: ignore[union-attr]
        assert "a fact" in recalled.messages[0].content.text  # type: ignore[union-attr]
        assert (await one.read_resource("memory://guide")).contents[0].text == GUIDE  # type: ignore[union-attr]
        recent = (await one.read_resource("memory://recent")).contents[0].text  # type: ignore[union-attr]
        assert "a fact" in recent
        assert [str(resource.uri) for resource in (await one.list_resources()).resources] == [
            "memory://guide",
            "memory://recent",
        ]


@ways
async def test_two_clients_in_two_namespaces_at_once_never_see_each_others(way: str, tmp_path: Path) -> None:
    async with server(way, tmp_path) as connect, connect("one") as first, connect("two") as second:

        async def work(one: Client, name: str) -> None:
            for number in range(10):
                await answer(one, "create_long_term_memories", memories=[{"text": f"{name} {number}"}])
                await answer(
                    one,
                    "append_working_memory_messages",
                    session_id="shared",
                    messages=[{"role": "user", "content": f"{name} {number}"}],
                )
                seen = await texts(one)
                assert seen
                assert all(name in text for text in seen), seen
                assert await answer(one, "list_sessions") == {"sessions": ["shared"], "total": 1}
                session = await answer(one, "get_working_memory", session_id="shared")
                assert [message["content"] for message in session["messages"]] == [
                    f"{name} {n}" for n in range(number + 1)
                ]
                prompt = await answer(one, "memory_prompt", query="one two", session_id="shared")
                assert all(memory["namespace"] == name for memory in prompt["long_term_memories"])

        await asyncio.gather(work(first, "one"), work(second, "two"))


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/house/mcp", "/house/mcp/", "/a%2Fb/mcp", "/%C3%A9t%C3%A9/mcp"])
async def test_every_spelling_of_the_address_works(call: Calls, mode: str, path: str) -> None:
    async with streamable(call.app) as url, client(url + path, mode) as one:
        await answer(one, "create_long_term_memories", memories=[{"id": "m", "text": "here"}])
        namespace = {"house": "house", "a%2Fb": "a/b", "%C3%A9t%C3%A9": "été"}.get(path.split("/")[1])
        assert (await call("get_long_term_memory", memory_id="m"))["namespace"] == namespace


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_hundred_clients_at_once_are_served_and_leave_nothing_behind(call: Calls, mode: str) -> None:
    async with streamable(call.app) as url:

        async def visit(number: int) -> list[str]:
            async with client(f"{url}/n{number}/mcp", mode) as one:
                await answer(one, "create_long_term_memories", memories=[{"text": f"memory {number}"}])
                return await texts(one)

        await visit(100)  # the first stream of a process starts one task that stays
        before = len(asyncio.all_tasks())
        seen = await asyncio.gather(*map(visit, range(100)))
        assert seen == [[f"memory {number}"] for number in range(100)]
        async with asyncio.timeout(30):
            while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110 - connections end in tasks of the web server
                await asyncio.sleep(0.01)


async def test_streams_that_end_leave_nothing_behind(call: Calls) -> None:
    async with events(call.app) as url:
        before = 0
        for number in range(20):
            async with client(f"{url}/sse", "legacy") as one:
                await one.list_tools()
            if number == 0:
                before = len(asyncio.all_tasks())  # the first stream of a process starts one task that stays
        async with asyncio.timeout(30):
            while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)


async def test_a_default_place_of_the_settings_is_filled_in_over_http(call: Calls) -> None:
    options = McpOptions(namespace="home", user_id="maria")
    async with streamable(call.app, options) as url, client(f"{url}/mcp", "auto") as one:
        await answer(one, "create_long_term_memories", memories=[{"id": "m", "text": "here"}])
        record = await answer(one, "get_long_term_memory", memory_id="m")
        assert (record["namespace"], record["user_id"]) == ("home", "maria")
