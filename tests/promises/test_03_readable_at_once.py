"""A stored memory or message is found by the very next search, without a model call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.outage import Mood, embedder_of, moody_service
from tests.support.rest import Json, Server, answered, serving

S = "/v1/working-memory/s"
MODES = ["semantic", "keyword", "hybrid"]


def ids(found: Json) -> list[str]:
    return [memory["id"] for memory in found["memories"]]


def turn(content: str, id_: str) -> Json:
    return {"role": "user", "content": content, "id": id_, "created_at": "2026-01-31T12:00:00Z"}


async def store(server: Server, way: str) -> None:
    if way == "create":
        await server.remember({"id": "new", "text": "the zebra crossed"})
    elif way == "append":
        body = {"messages": [turn("the zebra crossed", "new")]}
        answered(await server.http.post(f"{S}/messages", json=body))
    elif way == "put":
        answered(await server.http.put(S, json={"messages": [turn("the zebra crossed", "new")]}))
    elif way == "structured":
        answered(await server.http.put(S, json={"memories": [{"id": "new", "text": "the zebra crossed"}]}))
    else:
        await server.remember({"id": "new", "text": "something else"})
        answered(await server.http.patch("/v1/long-term-memory/new", json={"text": "the zebra crossed"}))


@pytest.mark.parametrize("way", ["create", "append", "put", "structured", "change"])
@pytest.mark.parametrize("mode", MODES)
async def test_what_was_written_is_found_by_the_next_search(tmp_path: Path, way: str, mode: str) -> None:
    async with serving(tmp_path) as server:
        await server.remember({"id": "other", "text": "lions sleep"})
        await server.search("warm up every cache", search_mode=mode)
        await store(server, way)
        assert "new" in ids(await server.search("zebra", search_mode=mode))
        assert "new" in ids(await server.search(None))


@pytest.mark.parametrize("way", ["create", "append", "put", "structured", "change"])
@pytest.mark.parametrize("mode", MODES)
async def test_it_is_found_while_the_model_is_away(tmp_path: Path, way: str, mode: str) -> None:
    async with moody_service() as service:
        service.become(Mood.FAILING)
        async with serving(tmp_path, embedder=await embedder_of(service)) as server:
            await store(server, way)
            assert ids(await server.search("zebra", search_mode=mode)) == ["new"]


async def test_what_waits_for_its_vector_is_found_beside_what_has_one(tmp_path: Path) -> None:
    async with moody_service() as service, serving(tmp_path, embedder=await embedder_of(service)) as server:
        await server.remember({"id": "old", "text": "a zebra sleeps"})
        await server.search("zebra crossed")
        service.become(Mood.FAILING)
        done = await server.remember({"id": "new", "text": "the zebra crossed"})
        assert done["items"] == [{"id": "new", "status": "created", "embedded": False}]
        found = await server.search("zebra crossed")
        assert sorted(ids(found)) == ["new", "old"]
        assert found["degraded"] == ["1 memories are not embedded yet and were searched by words only"]
