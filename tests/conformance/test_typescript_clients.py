"""The official TypeScript clients of both protocol generations, on every transport.

They are installed once, with npm, into a cache folder. Without node or without its packages the tests are skipped on a
developer's machine, and fail in continuous integration.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

from agent_memory_server.interfaces.mcp.catalogue import TOOLS
from agent_memory_server.interfaces.mcp.guide import GUIDE, SERVER_NAME
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


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{what}; continuous integration must not skip this")
    pytest.skip(what)


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder with the clients' packages, of exactly the locked versions."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        _missing("node and npm are not installed")
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agent-memory-tests"
    folder = cache / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "node_modules").is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=cache))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, made)
        line = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(line, cwd=made, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            shutil.rmtree(made)
            _missing(f"npm cannot install the clients: {done.stderr[-500:]}")
        try:
            made.rename(folder)
        except OSError:  # another test process was first
            shutil.rmtree(made)
    return folder


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
