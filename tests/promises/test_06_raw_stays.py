"""What is made from messages stands beside them and never replaces them; it names the messages it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_memory_server.interfaces.worker.upkeep import Pace
from agent_memory_server.operations.options import Options
from tests.support.rest import Json, Server, answered, serving
from tests.support.waiting import until

S = "/v1/working-memory/s"
PACE = Pace(owed_s=0.02, access_s=0.02)
TURNS: list[Json] = [
    {
        "role": "user",
        "content": "I moved to Lisbon\n\n  last week :) ",
        "id": "m1",
        "created_at": "2026-01-01T00:00:00Z",
    },
    {"role": "assistant", "content": "héllo: 😀", "id": "m2", "created_at": "2026-01-02T00:00:00Z"},
]


async def said(server: Server) -> list[tuple[Any, ...]]:
    messages = answered(await server.http.get(S))["messages"]
    return [(m["id"], m["role"], m["content"], m["created_at"]) for m in messages]


RAW = [tuple(turn[name] for name in ("id", "role", "content", "created_at")) for turn in TURNS]


@pytest.mark.parametrize("way", ["put", "append"])
async def test_messages_stay_as_they_were_said_when_records_are_made_of_them(tmp_path: Path, way: str) -> None:
    async with serving(tmp_path, pace=PACE) as server:
        if way == "put":
            answered(await server.http.put(S, json={"messages": TURNS, "user_id": "ana"}))
        else:
            answered(await server.http.post(f"{S}/messages", json={"messages": TURNS, "user_id": "ana"}))

        async def embedded() -> bool:
            return (await server.app.memories.stats()).unembedded == 0

        await until(embedded)
        assert await said(server) == RAW
        records = (await server.search(memory_type={"eq": "message"}))["memories"]
    assert sorted((r["extracted_from"], r["text"]) for r in records) == [
        (["m1"], "user: I moved to Lisbon\n\n  last week :) "),
        (["m2"], "assistant: héllo: 😀"),
    ]


async def test_messages_stay_when_their_records_are_deleted(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        answered(await server.http.put(S, json={"messages": TURNS}))
        answered(await server.http.delete("/v1/long-term-memory", params={"memory_ids": ["m1", "m2"]}))
        assert await said(server) == RAW


async def test_deleted_records_do_not_return_when_the_session_is_put_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        stored = answered(await server.http.put(S, json={"messages": TURNS}))
        answered(await server.http.delete("/v1/long-term-memory", params={"memory_ids": ["m1"]}))
        answered(await server.http.put(S, json={"messages": TURNS}))
        answered(await server.http.put(S, json=stored))
        assert [record["id"] for record in (await server.search())["memories"]] == ["m2"]


async def test_records_stay_when_the_session_is_deleted(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        answered(await server.http.put(S, json={"messages": TURNS}))
        answered(await server.http.delete(S))
        assert (await server.search())["total"] == 2


async def test_a_session_keeps_its_messages_where_none_are_indexed(tmp_path: Path) -> None:
    async with serving(tmp_path, rules=Options(index_messages=False)) as server:
        answered(await server.http.put(S, json={"messages": TURNS}))
        assert await said(server) == RAW
        assert (await server.search())["total"] == 0


async def test_a_message_id_that_another_place_holds_harms_neither(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.remember({"id": "m1", "text": "a memory of bob", "user_id": "bob"})
        answered(await server.http.put(S, json={"messages": TURNS, "user_id": "ana"}))
        assert answered(await server.http.get("/v1/long-term-memory/m1"))["text"] == "a memory of bob"
        records = (await server.search(user_id={"eq": "ana"}))["memories"]
        assert sorted(record["extracted_from"] for record in records) == [["m1"], ["m2"]]
        assert await said(server) == RAW
