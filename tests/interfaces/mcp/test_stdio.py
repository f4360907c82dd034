"""MCP on stdin and stdout: bytes of a conversation, and the process as clients start it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.interfaces.mcp.caller import Caller
from agent_memory_server.interfaces.mcp.door import Door
from agent_memory_server.interfaces.mcp.stdio import serve
from agent_memory_server.interfaces.mcp.surface import Surface
from tests.support.chosen_engine import on_a_folder
from tests.support.mcp import Calls, Json, stdio_client_of
from tests.support.processes import run, serving

CALL = {"name": "get_current_datetime", "arguments": {}}


def line(method: str, id_: object = None, **params: Any) -> str:
    message: Json = {"jsonrpc": "2.0", "method": method, "params": params}
    return json.dumps(message if id_ is None else {**message, "id": id_}) + "\n"


class Conversation:
    """Our end of the two pipes."""

    def __init__(self, into: int, out: int) -> None:
        self._into = into
        self._out = os.fdopen(out, "rb")

    async def say(self, *lines: str | bytes) -> None:
        said = b"".join(one.encode() if isinstance(one, str) else one for one in lines)
        await asyncio.to_thread(os.write, self._into, said)

    async def hear(self) -> Json:
        heard: Json = json.loads(await asyncio.to_thread(self._out.readline))
        return heard

    def leave(self) -> None:
        os.close(self._into)

    async def rest(self) -> list[Json]:
        return [json.loads(one) for one in (await asyncio.to_thread(self._out.read)).splitlines()]

    def close(self) -> None:
        self._out.close()


@asynccontextmanager
async def talking(surface: Surface) -> AsyncIterator[tuple[Conversation, asyncio.Task[None]]]:
    their_in, our_out = os.pipe()
    our_in, their_out = os.pipe()
    with os.fdopen(their_in, "rb") as reader, os.fdopen(their_out, "wb") as writer:

        async def work() -> None:
            await serve(surface, Caller(), reader, writer)
            writer.close()

        task = asyncio.create_task(work())
        conversation = Conversation(our_out, our_in)
        try:
            yield conversation, task
            await task
        finally:
            conversation.close()


def surface_of(call: Calls) -> Surface:
    async def ready() -> Door:
        return Door(call.app)

    return Surface(ready)


async def test_calls_that_run_when_the_client_leaves_are_still_answered(call: Calls) -> None:
    async with talking(surface_of(call)) as (client, _):
        await client.say(
            *(
                line("tools/call", n, name="create_long_term_memories", arguments={"memories": [{"text": f"m{n}"}]})
                for n in range(50)
            )
        )
        client.leave()
        answers = await client.rest()
    assert sorted(answer["id"] for answer in answers) == list(range(50))
    assert await call.found(None, limit=100) == {f"m{n}" for n in range(50)}


async def test_lists_are_answered_while_a_call_waits_for_the_engine(call: Calls) -> None:
    loading: asyncio.Future[Door] = asyncio.get_running_loop().create_future()
    async with talking(Surface(lambda: asyncio.shield(loading))) as (client, _):
        await client.say(
            line("tools/call", "slow", **CALL), line("tools/list", "quick"), line("initialize", 1, protocolVersion="x")
        )
        assert (await client.hear())["id"] == "quick"
        assert (await client.hear())["result"]["protocolVersion"] == "2025-11-25"
        loading.set_result(Door(call.app))
        assert (await client.hear())["id"] == "slow"
        client.leave()


async def test_a_cancelled_call_is_not_answered_and_harms_no_other(call: Calls) -> None:
    loading: asyncio.Future[Door] = asyncio.get_running_loop().create_future()
    async with talking(Surface(lambda: asyncio.shield(loading))) as (client, _):
        await client.say(line("tools/call", 1, **CALL), line("tools/call", "1", **CALL))
        await client.say(
            line("notifications/cancelled", requestId=1), line("notifications/cancelled", requestId=[]), line("ping", 2)
        )
        assert (await client.hear())["id"] == 2
        loading.set_result(Door(call.app))
        client.leave()
        assert [answer["id"] for answer in await client.rest()] == ["1"]


@pytest.mark.parametrize(
    "broken", [b"{\n", b"[]\n", b"1\n", b"\xff\xfe\n", b'{"jsonrpc":"2.0"}\n', b"[" * 100_000 + b"\n"]
)
async def test_a_line_that_is_no_message_is_told_and_the_next_is_served(call: Calls, broken: bytes) -> None:
    async with talking(surface_of(call)) as (client, _):
        await client.say(broken, b"\n", line("ping", 1))
        told = await client.hear()
        assert (told["id"], told["error"]["code"]) in {(None, -32700), (None, -32600)}
        assert await client.hear() == {"jsonrpc": "2.0", "id": 1, "result": {}}
        client.leave()


async def test_half_characters_are_sent_back_escaped(call: Calls) -> None:
    async with talking(surface_of(call)) as (client, _):
        await client.say(b'{"jsonrpc":"2.0","id":"\\ud800","method":"no\\ud800"}\n')
        assert (await client.hear())["id"] == "\ud800"
        client.leave()


def test_nothing_but_the_protocol_is_on_stdout(tmp_path: Path) -> None:
    asked = line("initialize", 0, protocolVersion="2025-11-25") + line("notifications/initialized")
    asked += line("tools/call", 1, name="create_long_term_memories", arguments={"memories": [{"text": "a"}]})
    done = run(tmp_path / "data", "mcp", answer=asked + line("tools/list", 2), env={"LOG_LEVEL": "DEBUG"})
    assert done.returncode == 0
    answers = [json.loads(one) for one in done.stdout.splitlines()]
    assert {answer["id"] for answer in answers} == {0, 1, 2}
    assert "mcp.call" in done.stderr


@pytest.mark.parametrize(
    ("settings", "status", "told"),
    [
        ({"DEFAULT_MCP_NAMESPCE": "x"}, 2, "DEFAULT_MCP_NAMESPACE"),
        ({"MCP_ALLOWED_ORIGINS": "example"}, 2, "MCP_ALLOWED_ORIGINS"),
        ({"REDIS_URL": "http://localhost"}, 1, "REDIS_URL"),
        pytest.param({"MEMORY_DATA_DIR": "/dev/null/x"}, 1, "/dev/null/x", marks=on_a_folder),
    ],
)
def test_a_broken_configuration_ends_with_one_line_on_stderr(
    tmp_path: Path, settings: dict[str, str], status: int, told: str
) -> None:
    done = run(tmp_path / "data", "mcp", env=settings, answer=line("tools/call", 1, **CALL))
    assert done.returncode == status
    lines = [one for one in done.stderr.splitlines() if not one.startswith("{")]
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    assert told in lines[0]
    answers = [json.loads(one) for one in done.stdout.splitlines()]
    assert all(answer["result"]["isError"] for answer in answers)


async def test_it_shares_a_store_with_a_running_server(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with serving(folder) as server, server.client() as http:
        record = {"id": "rest", "text": "stored over REST"}
        assert http.post("/v1/long-term-memory/", json={"memories": [record]}).status_code == 200
        async with stdio_client_of(folder, "auto") as one:
            found = await one.call_tool("get_long_term_memory", {"memory_id": "rest"})
            assert not found.is_error
            await one.call_tool("create_long_term_memories", {"memories": [{"id": "mcp", "text": "stored over MCP"}]})
            assert http.get("/v1/long-term-memory/mcp").json()["text"] == "stored over MCP"
