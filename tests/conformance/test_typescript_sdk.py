"""The TypeScript client of this repository: its types are those of the API, and its own tests pass on a real server."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent_memory_client import MemoryAPIClient
from scripts import typescript_sources
from tests.support.engines import ENGINES, serving_on
from tests.support.npm import npm_packages
from tests.support.processes import BOUND_S

CLIENT = Path(__file__).resolve().parents[2] / "clients" / "typescript"
SOURCES = ("src", "test", "package.json", "tsconfig.json", "tsconfig.build.json", "vitest.config.ts")


@pytest.fixture(scope="module")
def packages() -> Path:
    return npm_packages(CLIENT)


@pytest.fixture
def client(tmp_path: Path, packages: Path) -> Path:
    """A copy of the client with its packages."""
    folder = tmp_path / "client"
    folder.mkdir()
    for name in SOURCES:
        source = CLIENT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    (folder / "node_modules").symlink_to(packages / "node_modules")
    return folder


def node(folder: Path, *line: str, **environment: str) -> None:
    tool = folder / "node_modules" / ".bin" / line[0]
    done = subprocess.run(
        [str(tool), *line[1:]],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


def test_the_generated_sources_are_those_of_the_api(tmp_path: Path, packages: Path) -> None:
    generated = CLIENT / "src" / "generated"
    typescript_sources.write_types(packages, tmp_path / "api.ts")
    remedy = "run scripts/typescript_sources.py"
    assert (generated / "api.ts").read_text("utf-8") == (tmp_path / "api.ts").read_text("utf-8"), remedy
    assert (generated / "tools.ts").read_text("utf-8") == typescript_sources.tools(), remedy


def test_the_client_builds(client: Path) -> None:
    node(client, "tsc", "--noEmit")
    node(client, "tsc", "--project", "tsconfig.build.json")
    assert (client / "dist" / "index.js").exists()
    assert (client / "dist" / "index.d.ts").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_client_works_on_a_running_server(engine: str, redis_url: str, tmp_path: Path, client: Path) -> None:
    with serving_on(engine, redis_url, tmp_path / "data") as server:
        node(client, "vitest", "run", SERVER=server.url)


RENAMED = {
    "list_all_long_term_memories": "iterateLongTermMemories",
    "list_all_sessions": "iterateSessions",
    "get_all_memory_tool_schemas": "openAITools",
    "get_all_memory_tool_schemas_anthropic": "anthropicTools",
    "parse_tool_call": "parseToolCall",
}
OTHERWISE = {
    # one function takes every provider's form, and every function is carried out by name
    *("parse_openai_function_call", "parse_openai_tool_call", "parse_anthropic_tool_use"),
    *("resolve_function_call", "resolve_function_calls"),
    # `openAITools(["search_memory"])` gives one tool's schema, `resolveToolCall` carries it out
    *("search_memory_tool", "get_working_memory_tool", "get_or_create_working_memory_tool"),
    *("add_memory_tool", "update_memory_data_tool"),
}


def in_camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def test_every_call_of_the_python_client_is_there() -> None:
    source = "\n".join(path.read_text("utf-8") for path in (CLIENT / "src").glob("*.ts"))
    names = [name for name, _ in inspect.getmembers(MemoryAPIClient, callable) if not name.startswith("_")]
    for name in names:
        if name in OTHERWISE or name.endswith(("_tool_schema", "_tool_schema_anthropic")):
            continue
        wanted = RENAMED.get(name, in_camel_case(name))
        assert re.search(
            rf"^(export function|  (async \*?|\*)?){wanted}\(|^export (async )?function {wanted}\(", source, re.M
        ), wanted
