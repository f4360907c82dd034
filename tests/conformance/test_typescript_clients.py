"""The official TypeScript clients of both protocol generations, on every transport.

They are installed once, with npm (`tests.support.npm`).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.interfaces.mcp.catalogue import TOOLS
from agent_memory_server.interfaces.mcp.guide import GUIDE, SERVER_NAME
from tests.support.npm import npm_packages
from tests.support.processes import BOUND_S, command, environment, serving

HERE = Path(__file__).resolve().parent / "typescript"
PLANS = [
    ("v1", "legacy", "http"),
    ("v1", "legacy", "sse"),
    ("v1", "legacy", "stdio"),
    ("v2", "legacy", "http"),
    ("v2", "auto", "http"),
    ("v2", "auto", "stdio"),
]


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder with the clients' packages."""
    return npm_packages(HERE)


def drive(packages: Path, **plan: Any) -> dict[str, Any]:
    line = ["node", str(HERE / "drive.mjs"), json.dumps({"packages": str(packages), **plan})]
    done = subprocess.run(line, capture_output=True, text=True, timeout=BOUND_S, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.parametrize(("client", "mode", "transport"), PLANS)
def test_a_typescript_client_is_served(tmp_path: Path, packages: Path, client: str, mode: str, transport: str) -> None:
    folder = tmp_path / "data"
    word = "kingfisher"
    plan = {"client": client, "mode": mode, "transport": transport, "word": word}
    if transport == "stdio":
        line = command("mcp")
        started = {"command": line[0], "args": line[1:], "env": environment(folder, {"DEFAULT_MCP_NAMESPACE": "one"})}
        seen = drive(packages, **plan, **started)
    else:
        args, door = (("--mode", "sse"), "mcp") if transport == "sse" else ((), "api")
        with serving(folder, *args, door=door) as server:
            base = server.url.removesuffix("/sse")
            seen = drive(packages, **plan, url=f"{base}/one/{'sse' if transport == 'sse' else 'mcp'}")
    assert seen["server"]["name"] == SERVER_NAME
    assert seen["tools"] == list(TOOLS)
    assert seen["stored"]["items"][0]["status"] == "created"
    assert seen["texts"] == [f"The word is {word}"]
    assert seen["namespaces"] == ["one"]
    assert (seen["appended"], seen["messages"]) == (1, ["Hello"])
    assert seen["prompted"] == 2
    assert seen["clock"] > 1_700_000_000
    assert seen["mistaken"]["isError"] is True
    assert "limit" in seen["mistaken"]["text"]
    assert seen["prompts"] == ["recall", "remember"]
    assert seen["prompt"] == word
    assert seen["resources"] == ["memory://guide", "memory://recent"]
    assert seen["guide"] == len(GUIDE)
