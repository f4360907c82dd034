"""A token that grants one namespace, on every tool: nothing outside is read, written or counted."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from agent_memory_server.domain.principal import ALL_ACTIONS, Action
from agent_memory_server.domain.scope import Scope
from agent_memory_server.interfaces.auth import AuthMode
from agent_memory_server.interfaces.mcp.options import McpOptions
from agent_memory_server.operations.credentials import add_token, principal_of
from tests.support.mcp import Calls, Json, calls, client, events, streamable

TOKENS = McpOptions(auth=AuthMode.TOKEN)
doors = pytest.mark.parametrize("door", ["streamable", "sse"])


async def token(call: Calls, *, namespaces: set[str] | None = None, actions: frozenset[Action] = ALL_ACTIONS) -> str:
    scope = Scope(namespaces=None if namespaces is None else frozenset(namespaces))
    made = await add_token(call.app, description="t", scope=scope, actions=actions)
    return made.secret


@pytest.fixture
async def granted(call: Calls) -> Calls:
    """Calls with a token for the namespace `mine`, beside memories and sessions of `theirs`."""
    await call.remember("theirs", namespace="theirs")
    await call("set_working_memory", session_id="s", namespace="theirs", context="secret")
    principal = await principal_of(call.app, await token(call, namespaces={"mine"}))
    return Calls(call.app, type(call.caller)(principal=principal))


async def test_reading_tools_see_the_granted_namespace_alone(call: Calls, granted: Calls) -> None:
    await granted.remember("mine")
    assert await granted.found() == {"mine"}
    assert await granted.found(None, namespace="theirs") == set()
    assert (await granted("search_long_term_memory", text="theirs"))["total"] == 1
    assert (await granted.refusal("get_long_term_memory", memory_id="theirs")).startswith("404")
    for namespace in (None, "theirs"):
        assert (await granted("get_working_memory", session_id="s", namespace=namespace))["context"] in (None, "")
        assert (await granted("list_sessions", namespace=namespace)) == {"sessions": [], "total": 0}
    prompt = await granted("memory_prompt", query="theirs secret", session_id="s")
    assert [memory["text"] for memory in prompt["long_term_memories"]] == ["mine"]
    assert "secret" not in str(prompt["messages"][:-1])


async def test_writing_tools_reach_the_granted_namespace_alone(call: Calls, granted: Calls) -> None:
    refused: dict[str, Json] = {
        "create_long_term_memories": {"memories": [{"text": "a", "namespace": "theirs"}]},
        "set_working_memory": {"session_id": "s", "namespace": "theirs"},
        "append_working_memory_messages": {
            "session_id": "s",
            "namespace": "theirs",
            "messages": [{"role": "user", "content": "a"}],
        },
    }
    for tool, arguments in refused.items():
        assert (await granted.refusal(tool, **arguments)).startswith("403: this credential does not grant namespace")
    assert (await granted.refusal("edit_long_term_memory", memory_id="theirs", text="x")).startswith("404")
    assert await granted("delete_long_term_memories", memory_ids=["theirs"]) == {"status": "ok, deleted 0 memories"}
    assert await granted("compact_long_term_memories") == {"status": "ok, 0 memories remaining after compaction"}
    assert await call.found(None, namespace="theirs") == {"theirs"}
    assert (await call("get_working_memory", session_id="s", namespace="theirs"))["context"] == "secret"
    moved = await granted("create_long_term_memories", memories=[{"id": "own", "text": "own"}])
    assert moved["status"] == "ok"
    assert (await call("get_long_term_memory", memory_id="own"))["namespace"] == "mine"


async def test_a_token_that_reads_does_not_write(call: Calls) -> None:
    principal = await principal_of(call.app, await token(call, actions=frozenset({Action.READ})))
    reader = Calls(call.app, type(call.caller)(principal=principal))
    await call.remember("a")
    assert await reader.found() == {"a"}
    for tool, arguments in (
        ("create_long_term_memories", {"memories": [{"text": "b"}]}),
        ("delete_long_term_memories", {"memory_ids": ["a"]}),
        ("set_working_memory", {"session_id": "s"}),
    ):
        assert "does not grant 'write'" in await reader.refusal(tool, **arguments)


@doors
async def test_http_asks_for_a_token_and_grants_what_it_grants(tmp_path: Path, door: str) -> None:
    async with calls(tmp_path) as call:
        await call.remember("theirs", namespace="theirs")
        secret = await token(call, namespaces={"mine"})
        opening = streamable if door == "streamable" else events
        path = "/mcp" if door == "streamable" else "/sse"
        async with opening(call.app, TOKENS) as url:
            with pytest.raises((MCPError, ExceptionGroup, httpx2.HTTPStatusError)):
                async with client(url + path, "legacy") as stranger:
                    await stranger.list_tools()
            async with client(url + path, "legacy", Authorization=f"Bearer {secret}") as friend:
                await _store(friend, "mine")
                assert await _texts(friend) == ["mine"]
            async with client(f"{url}/theirs{path}", "legacy", Authorization=f"Bearer {secret}") as curious:
                assert await _texts(curious) == []


async def _store(one: Client, text: str) -> None:
    result = await one.call_tool("create_long_term_memories", {"memories": [{"text": text}]})
    assert not result.is_error, result


async def _texts(one: Client) -> list[str]:
    result = await one.call_tool("search_long_term_memory", {"text": None})
    found: Json = result.structured_content or {}
    return [memory["text"] for memory in found["memories"]]


async def test_a_request_without_a_valid_token_is_answered_with_401(tmp_path: Path) -> None:
    async with calls(tmp_path) as call, streamable(call.app, TOKENS) as url, httpx2.AsyncClient() as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic abc"}):
            answer = await http.post(f"{url}/mcp", json=body, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["code"] == "unauthenticated"
        secret = await token(call)
        for headers in ({"Authorization": f"bearer {secret}"}, {"X-API-Key": secret}):
            assert (await http.post(f"{url}/mcp", json=body, headers=headers)).status_code == 200


async def test_a_removed_token_ends_a_stream_that_it_opened(tmp_path: Path) -> None:
    async with calls(tmp_path) as call, events(call.app, TOKENS) as url:
        secret = await token(call)
        async with client(f"{url}/sse", "legacy", Authorization=f"Bearer {secret}") as one:
            assert await _texts(one) == []
            (stored,) = await call.app.tokens.list()
            await call.app.tokens.remove(stored.digest)
            with pytest.raises((MCPError, TimeoutError)):
                await one.call_tool("search_long_term_memory", {"text": None}, read_timeout_seconds=1)
