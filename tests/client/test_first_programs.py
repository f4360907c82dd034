"""The first programs of a newcomer run as they are written, against a server in a process of its own."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

from tests.support.processes import serving

FIRST = """
from agent_memory_client import MemoryAPIClient
client = MemoryAPIClient(base_url="http://localhost:8000")
await client.create_long_term_memories([{"text": "User prefers morning meetings", "user_id": "user123", "memory_type": "preference"}])
results = await client.search_long_term_memory(text="What time does the user like meetings?", user_id="user123")
await client.close()
"""  # noqa: E501
CONNECTED = """
from agent_memory_client import create_memory_client
memory_client = await create_memory_client("http://localhost:8000")
session = await memory_client.get_or_create_working_memory("my_session", user_id="alice")
await memory_client.close()
"""


async def run(program: str, url: str) -> dict[str, Any]:
    """Run a program with `await` at its top level, at another port than the one it names; the names it leaves."""
    names: dict[str, Any] = {}
    text = program.replace("localhost:8000", f"localhost:{url.rpartition(':')[2]}")
    assert text != program
    running = eval(compile(text, "<program>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    assert inspect.isawaitable(running)
    await running
    return names


async def test_the_first_program_stores_and_finds_a_preference(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        names = await run(FIRST, server.url)
        [found] = names["results"].memories
        assert (found.text, found.memory_type, found.topics) == (
            "User prefers morning meetings",
            "semantic",
            ["preference"],
        )
        created, session = (await run(CONNECTED, server.url))["session"]
        assert (created, session.session_id) == (True, "my_session")
