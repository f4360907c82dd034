"""What became of a memory can be found over REST: at once for each item, later by its id and in the decisions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent_memory_server.operations.consolidate import consolidate
from tests.operations.given import embed_everything
from tests.support.rest import Json, Server, answered, serving


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as running:
        yield running


def fact(id_: str, text: str, **members: object) -> Json:
    return {"id": id_, "text": text, "user_id": "ana", "namespace": "team", **members}


async def create(server: Server, *memories: Json) -> list[Json]:
    body = {"memories": list(memories)}
    items: list[Json] = answered(await server.http.post("/v1/long-term-memory/", json=body))["items"]
    return items


async def compare(server: Server) -> None:
    app = replace(server.app, options=replace(server.app.options, duplicate_distance=2.0))
    await embed_everything(app)
    await consolidate(app)


async def test_each_item_says_where_its_content_is_and_why(server: Server) -> None:
    await create(server, fact("a", "User likes green tea."))
    items = await create(
        server,
        fact("a", "User likes black tea."),
        fact("b", "User likes black tea."),
        fact("c", "User has a cat."),
        fact("c", "User has a dog."),
    )
    assert items == [
        {"id": "a", "status": "replaced", "because": "same_id"},
        {"id": "a", "status": "duplicate", "given_id": "b", "because": "same_content"},
        {"id": "c", "status": "superseded", "because": "same_id_later"},
        {"id": "c", "status": "created"},
    ]


async def test_what_is_merged_later_is_found_by_the_id_that_was_sent(server: Server) -> None:
    await create(server, fact("a", "User likes green tea."), fact("b", "The user enjoys green tea"))
    await compare(server)
    gone = answered(await server.http.get("/v1/long-term-memory/b"))
    assert (gone["superseded_by"], gone["superseded_because"]) == ("a", "merged")
    for id_ in ("a", "b"):
        found = answered(await server.http.get("/v1/decisions", params={"memory_id": id_}))
        (decision,) = found["decisions"]
        assert decision | {"id": "", "at": ""} == {
            "id": "",
            "at": "",
            "kind": "merge",
            "outcome": "done",
            "reason": "same",
            "decided_by": "rules",
            "namespace": "team",
            "user_id": "ana",
            "session_id": None,
            "memory_ids": ["b"],
            "message_ids": [],
            "into": "a",
            "count": 1,
        }
        assert found["next_cursor"] is None
        assert "counts" not in found or found["counts"] is None
    assert answered(await server.http.get("/v1/decisions", params={"memory_id": "c"}))["decisions"] == []


async def test_decisions_are_filtered_counted_and_paged(server: Server) -> None:
    for n in range(3):
        text = f"User has the key {n}."
        await create(
            server, fact(f"a{n}", text, metadata={"k": 1}), fact(f"b{n}", f"The {text}", metadata={"k": n + 1})
        )
    await compare(server)
    counted = answered(await server.http.get("/v1/decisions", params={"counts": True, "limit": 2}))
    assert counted["counts"] == [
        {"kind": "merge", "outcome": "refused", "reason": "metadata_differs", "count": 2},
        {"kind": "merge", "outcome": "done", "reason": "same", "count": 1},
    ]
    rest = answered(await server.http.get("/v1/decisions", params={"cursor": counted["next_cursor"], "limit": 2}))
    assert len({one["id"] for one in (*counted["decisions"], *rest["decisions"])}) == 3
    refused = answered(await server.http.get("/v1/decisions", params={"outcome": "refused", "user_id": "ana"}))
    assert {one["reason"] for one in refused["decisions"]} == {"metadata_differs"}
    nobody = answered(await server.http.get("/v1/decisions", params={"user_id": "Ana"}))
    assert nobody["decisions"] == []


@pytest.mark.parametrize(
    "query", [{"kind": "marge"}, {"outcome": "no"}, {"reason": "x"}, {"limit": 0}, {"limit": 1001}, {"memory": "a"}]
)
async def test_a_query_that_is_wrong_is_refused_and_named(server: Server, query: dict[str, str | int]) -> None:
    response = await server.http.get("/v1/decisions", params=query)
    assert response.status_code == 422
    assert next(iter(query)) in response.text


async def test_a_foreign_cursor_is_refused(server: Server) -> None:
    assert (await server.http.get("/v1/decisions", params={"cursor": "x"})).status_code == 422
