"""MCP over HTTP as bytes: clients that skip the handshake, come with stale sessions, abort, or must not come at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from agent_memory_server.interfaces.mcp.options import McpOptions
from agent_memory_server.interfaces.mcp.reach import Reach
from tests.support.mcp import Calls, Json, events, streamable

SEARCH = {"name": "search_long_term_memory", "arguments": {"text": None}}
KEY = "io.modelcontextprotocol/"
ENVELOPE = {f"{KEY}protocolVersion": "2026-07-28", f"{KEY}clientCapabilities": {}}


def message(method: str, params: Json | None = None) -> Json:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}


@asynccontextmanager
async def posting(call: Calls) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        streamable(call.app, McpOptions(max_body_bytes=2000)) as url,
        httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as client,
    ):
        yield client


def result(response: httpx2.Response) -> Any:
    assert response.status_code == 200, response.text
    if response.headers["content-type"].startswith("text/event-stream"):
        (data,) = (line for line in response.text.splitlines() if line.startswith("data: {"))
        return json.loads(data.removeprefix("data: "))["result"]
    return response.json()["result"]


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/event-stream"])
async def test_a_call_without_any_handshake_is_answered_in_the_form_the_client_reads(
    call: Calls, accept: str | None
) -> None:
    async with posting(call) as http:
        headers = {"Accept": accept} if accept else {}
        response = await http.post("/mcp", json=message("tools/call", SEARCH), headers=headers)
        assert result(response)["structuredContent"]["total"] == 0
        kind = "text/event-stream" if accept and "event-stream" in accept else "application/json"
        assert response.headers["content-type"].startswith(kind)
        assert "mcp-session-id" not in response.headers


async def test_a_request_of_the_stateless_generation_is_answered_with_plain_json(call: Calls) -> None:
    async with posting(call) as http:
        headers = {
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": "search_long_term_memory",
        }
        body = message("tools/call", {**SEARCH, "_meta": ENVELOPE})
        answer = result(
            await http.post("/mcp", json=body, headers={**headers, "Accept": "application/json, text/event-stream"})
        )
        assert answer["resultType"] == "complete"
        assert answer["structuredContent"]["total"] == 0


@pytest.mark.parametrize("version", [None, "2025-03-26", "2025-11-25"])
async def test_a_session_of_yesterday_is_no_error(call: Calls, version: str | None) -> None:
    async with posting(call) as http:
        stale = {"Mcp-Session-Id": "0" * 32, **({"MCP-Protocol-Version": version} if version else {})}
        assert result(await http.post("/mcp", json=message("tools/call", SEARCH), headers=stale))
        assert (await http.delete("/mcp", headers=stale)).status_code == 204
        done = await http.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=stale)
        assert done.status_code == 202


async def test_a_stream_with_nothing_to_push_is_not_opened(call: Calls) -> None:
    async with posting(call) as http:
        response = await http.get("/mcp", headers={"Accept": "text/event-stream", "Last-Event-ID": "7"})
        assert response.status_code == 405
        assert response.headers["allow"] == "POST, DELETE"


async def test_an_unknown_version_is_told_which_are_served(call: Calls) -> None:
    async with posting(call) as http:
        envelope = {**ENVELOPE, f"{KEY}protocolVersion": "2099-01-01"}
        headers = {"MCP-Protocol-Version": "2099-01-01", "Mcp-Method": "tools/list"}
        response = await http.post("/mcp", json=message("tools/list", {"_meta": envelope}), headers=headers)
        assert response.status_code == 400
        assert "2026-07-28" in response.text


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b"null", 400), (b'{"jsonrpc":"2.0"}', 400), (b"x" * 3000, 413)],
)
async def test_a_body_that_is_no_message_is_refused(call: Calls, body: bytes, status: int) -> None:
    async with posting(call) as http:
        response = await http.post("/mcp", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == status


@pytest.mark.parametrize("path", ["/a/b/mcp", "/mcp/x", "/%00/mcp", f"/{'n' * 513}/mcp", "/%FF/mcp"])
async def test_an_address_that_names_no_namespace_is_not_found(call: Calls, path: str) -> None:
    async with posting(call) as http:
        assert (await http.post(path, json=message("tools/list"))).status_code == 404


async def test_requests_that_are_aborted_leave_the_server_well(call: Calls) -> None:
    async with streamable(call.app) as url:
        port = int(url.rpartition(":")[2])
        body = json.dumps(message("tools/call", SEARCH)).encode()
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        for sent in (head, head + body[:10], head + body):
            for _ in range(20):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(sent)
                await writer.drain()
                writer.transport.abort()
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
            assert result(await http.post("/mcp", json=message("tools/call", SEARCH)))
            baseline = len(asyncio.all_tasks())
            for _ in range(5):
                assert result(await http.post("/mcp", json=message("tools/call", SEARCH)))
            assert len(asyncio.all_tasks()) <= baseline


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:9000"}, 421),
        ({"Host": "memory"}, 421),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "192.168.1.5:9000"}, 200),
        ({"Host": "[::1]:9000"}, 200),
        ({"Host": "proxy.example"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:6274"}, 200),
        ({"Origin": "https://app.example"}, 200),
        ({"Origin": "vscode-file://vscode-app"}, 200),
    ],
)
async def test_strange_hosts_and_pages_are_turned_away(call: Calls, headers: dict[str, str], status: int) -> None:
    reach = Reach(hosts=("proxy.example",), origins=("https://app.example",))
    for opening, path in ((streamable, "/mcp"), (events, "/messages/")):
        async with opening(call.app, None, reach) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
            response = await http.post(path, json=message("tools/list"), headers=headers)
            # The older transport asks for a session next.
            assert response.status_code == (400 if status == 200 and path != "/mcp" else status)
            if status in {403, 421}:
                assert "MCP_ALLOWED_" in response.json()["detail"]


async def test_a_message_for_a_stream_of_another_namespace_is_not_delivered(call: Calls) -> None:
    async with events(call.app) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        async with http.stream("GET", "/one/sse") as stream:
            lines = stream.aiter_lines()
            where = [await anext(lines), await anext(lines)][1].removeprefix("data: ")
            assert where.startswith("/one/messages/?session_id=")
            other = where.replace("/one/", "/two/")
            assert (await http.post(other, json=message("tools/list"))).status_code == 404
            assert (await http.post(where.replace("/one/", "/"), json=message("tools/list"))).status_code == 404
            assert (await http.post(where, json=message("tools/list"))).status_code == 202
        assert (await http.post("/messages/?session_id=" + "0" * 32, json=message("ping"))).status_code == 404
