from __future__ import annotations

import asyncio
from typing import Any

from agent_memory_client.models import AppendMessagesResponse
from agent_memory_server.operations.messages import TIMESTAMP_NOTICE
from tests.support.rest import Json, Server, answered

AT = "2026-01-31T12:00:00Z"
S = "/v1/working-memory/s"


def turn(content: str, **members: Any) -> Json:
    return {"role": "user", "content": content, "created_at": AT, **members}


async def append(server: Server, *messages: Json, **body: Any) -> Json:
    return answered(await server.http.post(f"{S}/messages", json={"messages": messages, **body}))


async def contents(server: Server, **params: str) -> list[str]:
    read = answered(await server.http.get(S, params=params))
    return [message["content"] for message in read["messages"]]


async def test_an_append_makes_the_session_and_adds_behind_the_last_message(server: Server) -> None:
    first = await append(server, turn("a"), user_id="ana", namespace="n", ttl_seconds=60)
    AppendMessagesResponse.model_validate(first)
    assert (first["revision"], first["message_count"], first["user_id"], first["namespace"]) == (1, 1, "ana", "n")
    second = await append(server, turn("b"), turn("c"), user_id="ana", namespace="n")
    assert (second["revision"], second["message_count"]) == (2, 3)
    assert [message["content"] for message in second["messages"]] == ["b", "c"]
    assert await contents(server) == ["a", "b", "c"]


async def test_an_append_changes_nothing_else_of_the_session(server: Server) -> None:
    body = {"data": {"a": 1}, "context": "c", "tokens": 3, "ttl_seconds": 60, "messages": [turn("a")]}
    before = answered(await server.http.put(S, json=body))
    await append(server, turn("b"))
    after = answered(await server.http.get(S))
    for name in ("data", "context", "tokens", "ttl_seconds", "created_at", "long_term_memory_strategy"):
        assert after[name] == before[name]


async def test_twenty_appends_at_once_lose_nothing(server: Server) -> None:
    await asyncio.gather(*(append(server, turn(f"m{n}")) for n in range(20)))
    assert sorted(await contents(server)) == sorted(f"m{n}" for n in range(20))


async def test_a_message_sent_again_is_added_once(server: Server) -> None:
    for _ in range(2):
        assert (await append(server, turn("a", id="m1")))["message_count"] == 1
    assert await contents(server) == ["a"]


async def test_another_message_under_a_known_id_is_a_conflict_and_adds_nothing(server: Server) -> None:
    await append(server, turn("a", id="m1"))
    body = {"messages": [turn("b", id="m2"), turn("changed", id="m1")]}
    response = await server.http.post(f"{S}/messages", json=body)
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert await contents(server) == ["a"]


async def test_appended_messages_are_found_by_the_next_search(server: Server) -> None:
    await append(server, turn("the zebra crossed the river", id="m1"))
    found = await server.search("zebra", search_mode="keyword")
    assert [(one["memory_type"], one["extracted_from"]) for one in found["memories"]] == [("message", ["m1"])]


async def test_a_message_without_a_time_gets_a_notice(server: Server) -> None:
    response = await server.http.post(f"{S}/messages", json={"messages": [{"role": "user", "content": "a"}]})
    assert response.headers["x-deprecation-warning"] == TIMESTAMP_NOTICE
    assert response.headers["etag"] == '"1"'


async def test_an_append_of_nothing_is_refused(server: Server) -> None:
    assert (await server.http.post(f"{S}/messages", json={"messages": []})).status_code == 422
    assert (await server.http.post(f"{S}/messages", json={"messages": [turn("")]})).status_code == 400
    assert (await server.http.get(S)).status_code == 404
