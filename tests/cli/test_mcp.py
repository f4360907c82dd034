"""`agent-memory mcp` and the MCP door of `agent-memory api`, as processes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.support.mcp import client
from tests.support.processes import Server, serving

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def base(server: Server) -> str:
    return server.url.rsplit("/", 1)[0] if server.url.endswith(("/mcp", "/sse")) else server.url


@pytest.mark.parametrize(
    ("door", "args", "path"),
    [
        ("api", (), "/one/mcp"),
        ("mcp", ("--mode", "streamable-http"), "/one/mcp"),
        ("mcp", ("--mode", "sse"), "/one/sse"),
    ],
)
async def test_every_server_serves_mcp_until_it_is_told_to_stop(
    tmp_path: Path, door: str, args: tuple[str, ...], path: str
) -> None:
    with serving(tmp_path / "data", *args, door=door) as server:
        async with client(base(server) + path, "legacy") as one:
            stored = await one.call_tool("create_long_term_memories", {"memories": [{"text": "a"}]})
            assert not stored.is_error
            found = await one.call_tool("search_long_term_memory", {"text": None})
            assert (found.structured_content or {})["memories"][0]["namespace"] == "one"
        assert server.stop() == 0
        assert "error" not in server.errors.read_text().lower().replace('"error": null', "")


def test_one_port_serves_rest_and_mcp(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server, server.client() as http:
        assert any(line.split() == ["MCP", f"{server.url}/mcp"] for line in server.greeting)
        record = {"id": "m", "text": "stored over REST"}
        assert http.post("/v1/long-term-memory/", json={"memories": [record]}).status_code == 200
        call = {"name": "get_long_term_memory", "arguments": {"memory_id": "m"}}
        answer = http.post("/mcp", json={**LIST, "method": "tools/call", "params": call}).json()
        assert answer["result"]["structuredContent"]["text"] == "stored over REST"


def test_a_server_stops_while_a_stream_is_open(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--mode", "sse", door="mcp") as server, server.client() as http:
        opened = threading.Event()
        ended = threading.Event()

        def listen() -> None:
            with http.stream("GET", base(server) + "/sse") as stream:
                for _ in stream.iter_lines():
                    opened.set()
            ended.set()

        listener = threading.Thread(target=listen)
        listener.start()
        assert opened.wait(60)
        assert server.stop() == 0
        listener.join(60)
        assert ended.is_set()


@pytest.mark.parametrize("door", ["api", "mcp"])
def test_an_address_for_others_asks_for_tokens_and_prints_a_first_one(tmp_path: Path, door: str) -> None:
    mode = ("--mode", "streamable-http") if door == "mcp" else ()
    with serving(tmp_path / "data", "--host", "0.0.0.0", *mode, door=door) as server:
        secret = next(line.split()[-1] for line in server.greeting if line.startswith("First token"))
        url = base(server) + "/mcp"
        with server.client() as stranger:
            assert stranger.post(url, json=LIST).status_code == 401
        with server.client(secret) as owner:
            assert owner.post(url, json=LIST, headers={"Host": "memory.example"}).status_code == 200


def test_a_server_of_this_machine_alone_turns_strange_names_away(tmp_path: Path) -> None:
    env = {"MCP_ALLOWED_HOSTS": "memory.example:*"}
    with serving(tmp_path / "data", env=env) as server, server.client() as http:
        for host, status in (("evil.example", 421), ("memory.example:8443", 200), ("localhost", 200)):
            assert http.post("/mcp", json=LIST, headers={"Host": host}).status_code == status
