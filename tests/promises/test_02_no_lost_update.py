"""Nobody writes back a copy read earlier: what was acknowledged stays, whoever else wrote meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from agent_memory_server.interfaces.worker.upkeep import Pace
from tests.support.rest import Json, Server, answered, client_of, serving

S = "/v1/working-memory/shared"
QUICK = Pace(owed_s=0.01, access_s=0.01)
CLIENTS = 20
TURNS = 10


def turn(content: str) -> Json:
    return {"role": "user", "content": content, "created_at": "2026-01-31T12:00:00Z"}


async def contents(server: Server) -> list[str]:
    return [message["content"] for message in answered(await server.http.get(S))["messages"]]


async def append(http: httpx2.AsyncClient, *words: str) -> None:
    answered(await http.post(f"{S}/messages", json={"messages": [turn(word) for word in words]}))


async def test_twenty_clients_appending_at_once_lose_no_turn_and_keep_their_order(tmp_path: Path) -> None:
    async def talk(server: Server, client: int) -> None:
        async with client_of(server.api) as http:
            for number in range(TURNS):
                await append(http, f"{client}-{number}-question", f"{client}-{number}-answer")

    async with serving(tmp_path, pace=QUICK) as server:
        await asyncio.gather(*(talk(server, client) for client in range(CLIENTS)))
        stored = await contents(server)
        session = answered(await server.http.get(S))
        found = await server.search("question answer", search_mode="keyword", limit=1)
    assert len(stored) == len(set(stored)) == 2 * CLIENTS * TURNS
    assert session["revision"] == CLIENTS * TURNS
    assert found["total"] == 2 * CLIENTS * TURNS
    for client in range(CLIENTS):
        own = [content for content in stored if content.startswith(f"{client}-")]
        assert own == [f"{client}-{n}-{kind}" for n in range(TURNS) for kind in ("question", "answer")]


async def test_writers_that_read_first_are_told_when_they_are_late(tmp_path: Path) -> None:
    async def count_up(server: Server) -> None:
        async with client_of(server.api) as http:
            while True:
                read = await http.get(S)
                body = {"data": {"count": answered(read)["data"]["count"] + 1}}
                done = await http.put(S, json=body, headers={"If-Match": read.headers["etag"]})
                if done.status_code == 200:
                    return
                assert done.status_code == 409

    async with serving(tmp_path, pace=QUICK) as server:
        await server.http.put(S, json={"data": {"count": 0}})
        await asyncio.gather(*(count_up(server) for _ in range(12)))
        assert answered(await server.http.get(S))["data"] == {"count": 12}


async def test_changes_of_different_members_of_a_memory_all_stay(tmp_path: Path) -> None:
    changes: list[Json] = [
        {"pinned": True},
        {"topics": ["a"]},
        {"entities": ["b"]},
        {"text": "new"},
        {"session_id": "s"},
    ]
    async with serving(tmp_path, pace=QUICK) as server:
        await server.remember({"id": "k", "text": "old"})
        patches = [server.http.patch("/v1/long-term-memory/k", json=change) for change in changes]
        for response in await asyncio.gather(*patches):
            answered(response)
        stored = answered(await server.http.get("/v1/long-term-memory/k"))
    for change in changes:
        assert {name: stored[name] for name in change} == change
    assert stored["revision"] == 1 + len(changes)


async def test_upkeep_writes_back_no_copy(tmp_path: Path) -> None:
    """Embedding and noting accesses run while the memory changes; neither may undo a change."""
    async with serving(tmp_path, pace=QUICK) as server:
        await server.remember({"id": "k", "text": "zebra", "last_accessed": 0})
        for number in range(30):
            await server.search("zebra")
            changed = await server.http.patch("/v1/long-term-memory/k", json={"topics": [f"t{number}"]})
            assert answered(changed)["topics"] == [f"t{number}"]
        stored = answered(await server.http.get("/v1/long-term-memory/k"))
    assert (stored["topics"], stored["revision"]) == (["t29"], 31)


@pytest.mark.parametrize("path", [S, "/v1/long-term-memory/k"])
async def test_nothing_revives_what_was_deleted(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path, pace=QUICK) as server:
        await server.remember({"id": "k", "text": "zebra", "last_accessed": 0})
        await server.http.put(S, json={"data": {"a": 1}})
        await server.search("zebra")
        deleted = "/v1/long-term-memory?memory_ids=k" if path.endswith("k") else S
        answered(await server.http.delete(deleted))
        server.app.accesses.note(["k"])
        server.app.owed.set()
        await server.search("anything at all")
    async with serving(tmp_path) as server:
        assert (await server.http.get(path)).status_code == 404
