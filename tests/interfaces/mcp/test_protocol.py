"""The messages of stdio, held against the answers of the protocol's own library."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.server.runner import serve_dual_era_loop
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from pydantic_core import to_json

from agent_memory_server.interfaces.mcp import protocol
from agent_memory_server.interfaces.mcp.caller import Caller
from agent_memory_server.interfaces.mcp.door import Door
from agent_memory_server.interfaces.mcp.library import library_server
from agent_memory_server.interfaces.mcp.surface import INVALID_PARAMS, Surface
from tests.support.mcp import Json, calls

KEY = "io.modelcontextprotocol/"
ENVELOPE: Json = {f"{KEY}protocolVersion": "2026-07-28", f"{KEY}clientCapabilities": {}}
INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}

BOTH: list[tuple[str, Json]] = [
    ("tools/list", {}),
    ("prompts/list", {}),
    ("resources/list", {}),
    ("resources/templates/list", {}),
    ("tools/call", {"name": "search_long_term_memory", "arguments": {"text": "fact"}}),
    ("tools/call", {"name": "search_long_term_memory", "arguments": {"text": "fact", "limit": 0}}),
    ("tools/call", {"name": "get_working_memory", "arguments": {"session_id": "s"}}),
    ("tools/call", {"name": "list_sessions"}),
    ("tools/call", {"name": "no_such_tool", "arguments": {}}),
    ("prompts/get", {"name": "recall", "arguments": {"question": "which?"}}),
    ("prompts/get", {"name": "remember"}),
    ("prompts/get", {"name": "no_such_prompt"}),
    ("resources/read", {"uri": "memory://guide"}),
    ("resources/read", {"uri": "memory://recent"}),
    ("no/such/method", {}),
]
OLD = [("initialize", INITIALIZE), ("ping", {}), *BOTH, ("tools/call", {}), ("server/discover", {})]
NEW = [("server/discover", {}), *BOTH, ("ping", {}), ("tools/call", {})]


@pytest.fixture
async def surface(tmp_path: Path) -> AsyncIterator[Surface]:
    async with calls(tmp_path, clock=lambda: 1_790_000_000.0) as call:
        await call.remember("a fact")
        door = Door(call.app)

        async def ready() -> Door:
            return door

        yield Surface(ready)


@asynccontextmanager
async def library(surface: Surface) -> AsyncIterator[Any]:
    """A connection to the library's server: a function that sends a message and gives the answer."""
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](8)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](8)
    server = library_server(surface, Caller())

    async def ask(message: Json) -> Json:
        await to_server.send(SessionMessage(jsonrpc_message_adapter.validate_python(message, by_name=False)))
        if "id" not in message:
            return {}
        answer = await from_server.receive()
        given: Json = json.loads(answer.message.model_dump_json(by_alias=True, exclude_unset=True))
        return given

    async with anyio.create_task_group() as tasks:

        async def run() -> None:
            await serve_dual_era_loop(
                server, from_client, to_client, lifespan_state={}, init_options=server.create_initialization_options()
            )

        tasks.start_soon(run)
        yield ask
        await to_server.aclose()
        await from_server.aclose()


def same(answer: Json) -> Json:
    """An answer without what is free: the words of errors."""
    if "error" in answer:
        return {"id": answer["id"], "code": answer["error"]["code"]}
    return answer


async def ours(surface: Surface, message: Json) -> Json:
    answer: Json = json.loads(to_json(await protocol.reply(surface, message, Caller())))
    return answer


def test_the_same_versions_are_served() -> None:
    assert protocol.HANDSHAKE_VERSIONS == HANDSHAKE_PROTOCOL_VERSIONS
    assert protocol.STATELESS_VERSIONS == MODERN_PROTOCOL_VERSIONS


async def test_the_generation_with_the_handshake_is_answered_alike(surface: Surface) -> None:
    async with library(surface) as ask:
        for number, (method, params) in enumerate(OLD):
            message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            assert same(await ours(surface, message)) == same(await ask(message)), method
            if method == "initialize":
                await ask({"jsonrpc": "2.0", "method": "notifications/initialized"})


@pytest.mark.parametrize("version", [*HANDSHAKE_PROTOCOL_VERSIONS, "1999-01-01", "2026-07-28"])
async def test_a_version_is_agreed_on_alike(surface: Surface, version: str) -> None:
    params = {**INITIALIZE, "protocolVersion": version}
    message = {"jsonrpc": "2.0", "id": "a", "method": "initialize", "params": params}
    async with library(surface) as ask:
        assert await ours(surface, message) == await ask(message)


async def test_the_stateless_generation_is_answered_alike(surface: Surface) -> None:
    async with library(surface) as ask:
        for number, (method, params) in enumerate(NEW):
            message = {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": ENVELOPE}}
            assert same(await ours(surface, message)) == same(await ask(message)), method


@pytest.mark.parametrize(
    "envelope",
    [
        {f"{KEY}protocolVersion": "2026-07-28"},
        {f"{KEY}protocolVersion": 7, f"{KEY}clientCapabilities": {}},
        {f"{KEY}protocolVersion": "2099-01-01", f"{KEY}clientCapabilities": {}},
        {f"{KEY}protocolVersion": "2026-07-28", f"{KEY}clientCapabilities": []},
    ],
)
async def test_an_envelope_that_is_wrong_is_refused_alike(surface: Surface, envelope: Json) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": envelope}}
    async with library(surface) as ask:
        assert same(await ours(surface, message)) == same(await ask(message))


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": [1]},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": "y"}},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "\ud800"}},
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}},
    ],
)
async def test_a_message_that_is_wrong_is_an_error_and_not_the_end(surface: Surface, message: Json) -> None:
    answer = await ours(surface, message)
    assert answer["error"]["code"] in {protocol.INVALID_REQUEST, INVALID_PARAMS}
