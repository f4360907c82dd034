"""What a request may touch comes from its credential: on every route, whatever the request asks for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.view import View
from agent_memory_server.interfaces.auth import AuthMode
from agent_memory_server.interfaces.rest.app import create_app
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.operations import views
from agent_memory_server.operations.credentials import add_token
from tests.support.rest import Json, Server, answered, application, client_of, serving

AT = "2026-01-31T12:00:00Z"
SECRET = "xylophone"
"""The one word that only stands in what belongs to bob."""


def turn(content: str, **members: Any) -> Json:
    return {"role": "user", "content": content, "created_at": AT, **members}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    server: Server
    ana: httpx2.AsyncClient
    bob: httpx2.AsyncClient
    owner: httpx2.AsyncClient

    async def client(self, stack: AsyncExitStack, scope: Scope, *actions: Action) -> httpx2.AsyncClient:
        return await stack.enter_async_context(await client_with(self.server, scope, *actions))


async def client_with(server: Server, scope: Scope, *actions: Action) -> httpx2.AsyncClient:
    made = await add_token(server.app, description="t", scope=scope, actions=frozenset(actions or Action))
    return client_of(server.api, Authorization=f"Bearer {made.secret}")


def scope(namespace: str, user: str) -> Scope:
    return Scope(frozenset({namespace}), frozenset({user}))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path, rest=RestOptions(auth=AuthMode.TOKEN)))
        clients = [
            await stack.enter_async_context(await client_with(server, granted))
            for granted in (scope("na", "ana"), scope("nb", "bob"), Scope())
        ]
        made = World(server=server, ana=clients[0], bob=clients[1], owner=clients[2])
        for client, word in ((made.ana, "zebra"), (made.bob, SECRET)):
            name = "a" if client is made.ana else "b"
            body = {"memories": [{"id": f"{name}-memory", "text": f"a {word}", "topics": [word]}]}
            answered(await client.post("/v1/long-term-memory/", json=body))
            session = {"messages": [turn(f"my {word}", id=f"{name}-message")], "data": {"word": word}}
            answered(await client.put(f"/v1/working-memory/{name}-session", json=session))
        view = await views.create_view(
            server.app, principal(scope("nb", "bob")), View(id="b-view", name=SECRET, group_by=("user_id",))
        )
        await views.run_view(server.app, view)
        await views.start_run(server.app, principal(scope("nb", "bob")), "b-view", "b-task")
        yield made


def principal(granted: Scope) -> Principal:
    return Principal(subject="t", scope=granted, actions=frozenset(Action))


VIEW = "/v1/summary-views/{view_id}"


def views_of_bob() -> list[tuple[str, str, str, Json | None]]:
    path = "/v1/summary-views/b-view"
    return [
        ("/v1/summary-views", "GET", "/v1/summary-views", None),
        ("/v1/summary-views", "POST", "/v1/summary-views", {"source": "long_term", "filters": {"user_id": "bob"}}),
        (VIEW, "GET", path, None),
        (VIEW, "DELETE", path, None),
        (f"{VIEW}/partitions", "GET", f"{path}/partitions", None),
        (f"{VIEW}/partitions/run", "POST", f"{path}/partitions/run", {"group": {"user_id": "bob"}}),
        (f"{VIEW}/run", "POST", f"{path}/run", {"task_id": "b-task"}),
        ("/v1/tasks/{task_id}", "GET", "/v1/tasks/b-task", None),
    ]


PLACES: list[Json] = [{}, {"namespace": "nb"}, {"user_id": "bob"}, {"namespace": "nb", "user_id": "bob"}]


def requests() -> list[tuple[str, str, str, Json | None]]:
    """Every guarded route, aimed at what is bob's, with and without naming his place: route, method, path, body."""
    found: list[tuple[str, str, str, Json | None]] = []
    for place in PLACES:
        query = "&".join(f"{name}={value}" for name, value in place.items())
        filters = {name: {"eq": value} for name, value in place.items()}
        session = "/v1/working-memory/{session_id}"
        theirs = "/v1/working-memory/b-session"
        memory = "/v1/long-term-memory/{memory_id}"
        found += [
            ("/v1/working-memory/", "GET", f"/v1/working-memory/?{query}", None),
            (session, "GET", f"{theirs}?{query}", None),
            (session, "PUT", theirs, {"data": {"word": "planted"}, **place}),
            (session, "DELETE", f"{theirs}?{query}", None),
            (f"{session}/messages", "POST", f"{theirs}/messages", {"messages": [turn("planted")], **place}),
            ("/v1/long-term-memory/", "POST", "/v1/long-term-memory/", created("b-memory", **place)),
            ("/v1/long-term-memory/", "POST", "/v1/long-term-memory/", created("b-message", **place)),
            ("/v1/long-term-memory", "GET", f"/v1/long-term-memory?{query}", None),
            ("/v1/long-term-memory", "DELETE", "/v1/long-term-memory?memory_ids=b-memory&memory_ids=b-message", None),
            (memory, "GET", "/v1/long-term-memory/b-memory", None),
            (f"{memory}/history", "GET", "/v1/long-term-memory/b-memory/history", None),
            (memory, "PATCH", "/v1/long-term-memory/b-memory", {"text": "planted", **place}),
            (memory, "PATCH", "/v1/long-term-memory/b-message", {"pinned": True}),
            *(
                ("/v1/long-term-memory/search", "POST", "/v1/long-term-memory/search", {**search, **filters})
                for search in (
                    {},
                    {"text": SECRET},
                    {"text": SECRET, "search_mode": "keyword"},
                    {"text": "a", "explain": True},
                )
            ),
            ("/v1/long-term-memory/forget", "POST", f"/v1/long-term-memory/forget?dry_run=false&{query}", forgetting()),
            ("/v1/long-term-memory/forget", "POST", f"/v1/long-term-memory/forget?{query}", forgetting()),
            ("/v1/long-term-memory/compact", "POST", f"/v1/long-term-memory/compact?{query}", None),
            (
                "/v1/long-term-memory/extract",
                "POST",
                "/v1/long-term-memory/extract",
                {"session_id": "b-session", **place},
            ),
            ("/v1/jobs", "GET", "/v1/jobs", None),
            ("/v1/decisions", "GET", f"/v1/decisions?counts=true&{query}", None),
            ("/v1/jobs/dead", "GET", "/v1/jobs/dead", None),
            ("/v1/jobs/dead/retry", "POST", "/v1/jobs/dead/retry", {"ids": ["any"]}),
            ("/v1/jobs/dead/discard", "POST", "/v1/jobs/dead/discard", {"ids": ["any"]}),
            (
                "/v1/memory/prompt",
                "POST",
                "/v1/memory/prompt",
                {"query": "q", "session": {"session_id": "b-session", **place}, "long_term_search": filters},
            ),
            (
                "/v1/memory/prompt",
                "POST",
                "/v1/memory/prompt",
                {"query": "q", "session": {"session_id": "b-session", **place}, "long_term_search": True},
            ),
        ]
    return [*found, *views_of_bob()]


def created(id_: str, **place: str) -> Json:
    return {"memories": [{"id": id_, "text": "planted", **place}]}


def forgetting() -> Json:
    return {"policy": {"budget": 0}}


async def belongings(world: World) -> Json:
    """All that is bob's, as bob reads it."""
    session = answered(await world.bob.get("/v1/working-memory/b-session"))
    sessions = answered(await world.bob.get("/v1/working-memory/"))
    memories = answered(await world.bob.post("/v1/long-term-memory/search", json={"recency_boost": False}))
    return {"session": session, "sessions": sessions, "memories": memories}


def test_every_guarded_route_is_tried() -> None:
    document = create_app(lambda: application(Path("never opened")), RestOptions()).openapi()
    routes = {
        (path, method.upper())
        for path, methods in document["paths"].items()
        for method in methods
        if not path.startswith("/v1/health")
    }
    assert {(route, method) for route, method, _, _ in requests()} == routes


@pytest.mark.parametrize("number", range(len(requests())))
async def test_no_request_reads_or_changes_what_belongs_to_another(world: World, number: int) -> None:
    _, method, path, body = requests()[number]
    before = await belongings(world)
    response = await world.ana.request(method, path, json=body)
    assert response.status_code in {200, 403, 404}, response.text
    assert SECRET not in response.text
    assert await belongings(world) == before


async def test_what_a_request_leaves_out_is_filled_in_from_the_credential(world: World) -> None:
    memory = answered(await world.ana.get("/v1/long-term-memory/a-memory"))
    session = answered(await world.ana.get("/v1/working-memory/a-session"))
    for stored in (memory, session):
        assert (stored["namespace"], stored["user_id"]) == ("na", "ana")


@pytest.mark.parametrize(
    "place", [{"namespace": "NA"}, {"user_id": "Ana"}, {"user_id": "ana "}, {"namespace": "na|nb"}]
)
async def test_a_place_is_granted_by_its_exact_name(world: World, place: Json) -> None:
    response = await world.ana.post("/v1/long-term-memory/", json=created("new", **place))
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


async def test_an_id_of_another_is_told_as_failed_and_the_rest_is_stored(world: World) -> None:
    body = {"memories": [{"id": "b-memory", "text": "planted"}, {"id": "mine", "text": "fine"}]}
    done = answered(await world.ana.post("/v1/long-term-memory/", json=body))
    assert done["status"] == "partial, 1 of 2 not stored"
    assert [(item["id"], item["status"]) for item in done["items"]] == [("b-memory", "failed"), ("mine", "created")]
    assert done["items"][0]["reason"]


async def test_a_record_cannot_be_moved_out_of_the_grant(world: World) -> None:
    response = await world.ana.patch("/v1/long-term-memory/a-memory", json={"user_id": "bob"})
    assert response.status_code == 403
    assert answered(await world.ana.get("/v1/long-term-memory/a-memory"))["user_id"] == "ana"


async def test_memories_of_a_session_cannot_be_placed_elsewhere(world: World) -> None:
    body = {"memories": [{"text": "planted", "user_id": "bob", "namespace": "nb"}]}
    assert (await world.ana.put("/v1/working-memory/a-session", json=body)).status_code == 403


async def test_a_credential_of_several_users_must_name_one(world: World) -> None:
    async with AsyncExitStack() as stack:
        both = await world.client(stack, Scope(frozenset({"na"}), frozenset({"ana", "eve"})))
        assert (await both.post("/v1/long-term-memory/", json=created("new"))).status_code == 403
        answered(await both.post("/v1/long-term-memory/", json=created("new", user_id="eve")))
        found = answered(await both.post("/v1/long-term-memory/search", json={}))
        assert {memory["user_id"] for memory in found["memories"]} == {"ana", "eve"}


async def test_records_without_a_place_are_granted_by_the_empty_name(world: World) -> None:
    answered(await world.owner.post("/v1/long-term-memory/", json=created("nobodys")))
    async with AsyncExitStack() as stack:
        nobody = await world.client(stack, scope("", ""))
        found = answered(await nobody.post("/v1/long-term-memory/search", json={}))
        assert [memory["id"] for memory in found["memories"]] == ["nobodys"]
    assert (await world.ana.get("/v1/long-term-memory/nobodys")).status_code == 404


READS = {
    ("/v1/working-memory/", "GET"),
    ("/v1/working-memory/{session_id}", "GET"),
    ("/v1/long-term-memory", "GET"),
    ("/v1/long-term-memory/{memory_id}", "GET"),
    ("/v1/long-term-memory/{memory_id}/history", "GET"),
    ("/v1/long-term-memory/search", "POST"),
    ("/v1/long-term-memory/extract", "POST"),
    ("/v1/memory/prompt", "POST"),
    ("/v1/decisions", "GET"),
}


def needed_for(route: str, method: str) -> Action:
    if route.startswith("/v1/jobs"):
        return Action.ADMIN
    return Action.READ if (route, method) in READS else Action.WRITE


@pytest.mark.parametrize("granted", list(Action))
async def test_a_credential_does_only_what_it_grants(world: World, granted: Action) -> None:
    async with AsyncExitStack() as stack:
        limited = await world.client(stack, Scope(), granted)
        for route, method, path, body in requests()[: len(requests()) // len(PLACES)]:
            response = await limited.request(method, path, json=body)
            allowed = granted is needed_for(route, method)
            assert (response.status_code != 403) is allowed, (method, path, response.text)


async def test_answers_kept_for_one_credential_are_not_given_to_another(world: World) -> None:
    body = {"messages": [turn("hello")]}
    for client in (world.bob, world.ana):
        response = await client.post("/v1/working-memory/x/messages", json=body, headers={"Idempotency-Key": "k"})
        assert "idempotency-replayed" not in response.headers
        assert answered(response)["user_id"] == ("bob" if client is world.bob else "ana")


async def test_a_refusal_tells_nothing_of_what_it_hides(world: World) -> None:
    hidden = await world.ana.get("/v1/long-term-memory/b-memory")
    absent = await world.ana.get("/v1/long-term-memory/c-memory")
    assert json.dumps(hidden.json()).replace("b-memory", "c-memory") == json.dumps(absent.json())
    assert hidden.status_code == absent.status_code == 404
