from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.ports.idempotency import KeptAnswer
from tests.support.rest import Json, Server, answered, serving, wall_clock

S = "/v1/working-memory/s"
KEY = {"Idempotency-Key": "order-66"}
TURN: Json = {"messages": [{"role": "user", "content": "hello"}]}


async def count(server: Server) -> int:
    return len(answered(await server.http.get(S))["messages"])


async def test_a_repeated_write_is_carried_out_once_and_answered_alike(server: Server) -> None:
    first = await server.http.post(f"{S}/messages", json=TURN, headers=KEY)
    second = await server.http.post(f"{S}/messages", json=TURN, headers=KEY)
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    for name in ("etag", "content-type", "x-deprecation-warning"):
        assert second.headers[name] == first.headers[name]
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert await count(server) == 1


async def test_without_a_key_a_repeated_write_is_another_write(server: Server) -> None:
    for _ in range(2):
        await server.http.post(f"{S}/messages", json=TURN)
    assert await count(server) == 2


WRITES: list[tuple[str, str, Json | None]] = [
    ("PUT", S, TURN),
    ("POST", f"{S}/messages", TURN),
    ("DELETE", S, None),
    ("POST", "/v1/long-term-memory/", {"memories": [{"id": "a", "text": "t"}]}),
    ("PATCH", "/v1/long-term-memory/known", {"pinned": True}),
    ("DELETE", "/v1/long-term-memory?memory_ids=known", None),
    ("POST", "/v1/long-term-memory/forget", {"policy": {}}),
    ("POST", "/v1/long-term-memory/compact", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_every_write_can_be_repeated(server: Server, method: str, path: str, body: Json | None) -> None:
    await server.remember({"id": "known", "text": "k"})
    first = await server.http.request(method, path, json=body, headers=KEY)
    second = await server.http.request(method, path, json=body, headers=KEY)
    assert first.status_code == 200
    assert second.content == first.content
    assert second.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{S}/messages", {"messages": [{"role": "user", "content": "other"}]}),
        ("PUT", S, TURN),
        ("POST", "/v1/working-memory/other/messages", TURN),
        ("POST", f"{S}/messages?a=1", TURN),
    ],
)
async def test_a_key_serves_one_request_only(server: Server, method: str, path: str, body: Json) -> None:
    await server.http.post(f"{S}/messages", json=TURN, headers=KEY)
    response = await server.http.request(method, path, json=body, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_mismatch")
    assert response.json()["detail"][0]["loc"] == ["header", "idempotency-key"]
    assert await count(server) == 1


async def test_repetitions_at_once_wait_for_the_first(server: Server) -> None:
    responses = await asyncio.gather(*(server.http.post(f"{S}/messages", json=TURN, headers=KEY) for _ in range(10)))
    assert {response.status_code for response in responses} == {200}
    assert len({response.content for response in responses}) == 1
    assert sum("idempotency-replayed" in response.headers for response in responses) == 9
    assert await count(server) == 1


async def test_a_request_that_failed_may_be_sent_again_corrected(server: Server) -> None:
    empty = {"messages": [{"role": "user", "content": " "}]}
    assert (await server.http.post(f"{S}/messages", json=empty, headers=KEY)).status_code == 400
    assert (await server.http.post(f"{S}/messages", json=TURN, headers=KEY)).status_code == 200
    assert await count(server) == 1


@pytest.mark.parametrize("key", ["", " ", "ü", "a b", "x" * 256])
async def test_an_odd_key_is_refused(server: Server, key: str) -> None:
    response = await server.http.post(f"{S}/messages", json=TURN, headers={b"Idempotency-Key": key.encode("latin-1")})
    assert response.status_code == 422
    assert (await server.http.get(S)).status_code == 404


class _Forgetful:
    """A store that cannot keep answers: as if the process died before it could."""

    async def find(self, *_args: object, **_options: object) -> None:
        return None

    async def keep(self, *_args: object, **_options: object) -> NoReturn:
        raise Unavailable("the disk is full")


@pytest.mark.parametrize(("method", "path"), [("POST", f"{S}/messages"), ("PUT", S)])
async def test_a_write_whose_answer_was_lost_adds_nothing_twice(server: Server, method: str, path: str) -> None:
    serving_ = server.api.state.serving
    forgetful: Any = _Forgetful()
    server.api.state.serving = replace(serving_, app=replace(serving_.app, answers=forgetful))
    body = {"messages": [{"role": "user", "content": "the zebra"}, {"role": "user", "content": "the lion"}]}
    first = answered(await server.http.request(method, path, json=body, headers=KEY))
    again = answered(await server.http.request(method, path, json=body, headers=KEY))
    assert [m["id"] for m in again["messages"]] == [m["id"] for m in first["messages"]]
    assert await count(server) == 2
    assert (await server.search("zebra lion", search_mode="keyword"))["total"] == 2


async def test_memories_of_a_session_keep_their_made_ids_when_repeated(server: Server) -> None:
    serving_ = server.api.state.serving
    forgetful: Any = _Forgetful()
    server.api.state.serving = replace(serving_, app=replace(serving_.app, answers=forgetful))
    body = {"memories": [{"text": "zebra"}, {"text": "lion"}]}
    for _ in range(2):
        answered(await server.http.put(S, json=body, headers=KEY))
    assert (await server.search(None))["total"] == 2


class Clock:
    def __init__(self) -> None:
        self.now = wall_clock()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def ticking(tmp_path: Path) -> AsyncIterator[tuple[Server, Clock]]:
    clock = Clock()
    async with serving(tmp_path, clock=clock, rest=RestOptions(idempotency_s=60)) as running:
        yield running, clock


async def test_an_answer_is_kept_for_its_time(ticking: tuple[Server, Clock]) -> None:
    server, clock = ticking
    await server.http.post(f"{S}/messages", json=TURN, headers=KEY)
    clock.now += 59
    kept = await server.http.post(f"{S}/messages", json=TURN, headers=KEY)
    assert kept.headers["idempotency-replayed"] == "true"
    clock.now += 2
    fresh = await server.http.post(f"{S}/messages", json=TURN, headers=KEY)
    assert "idempotency-replayed" not in fresh.headers


async def test_an_answer_is_kept_across_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        first = await server.http.post(f"{S}/messages", json=TURN, headers=KEY)
    async with serving(tmp_path) as server:
        second = await server.http.post(f"{S}/messages", json=TURN, headers=KEY)
        assert second.content == first.content
        assert await count(server) == 1


async def test_what_is_kept_is_the_answer_and_no_request(server: Server) -> None:
    await server.http.post(f"{S}/messages", json=TURN, headers=KEY)
    kept = await server.app.answers.find("local-dev-user", "order-66", now=server.app.clock())
    assert isinstance(kept, KeptAnswer)
    assert len(kept.request_digest) == 64


async def test_a_search_with_a_key_is_still_a_search(server: Server) -> None:
    for total in (0, 1):
        response = await server.http.post("/v1/long-term-memory/search", json={}, headers=KEY)
        assert answered(response)["total"] == total
        await server.remember({"text": "t"})
