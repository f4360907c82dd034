from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_memory_server.domain.principal import Action
from agent_memory_server.domain.scope import Scope
from agent_memory_server.interfaces.auth import AuthMode
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.operations.credentials import add_token
from tests.support.rest import Server, answered, serving

LIST = "/v1/working-memory/"


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def guarded(tmp_path: Path, clock: Clock) -> AsyncIterator[Server]:
    async with serving(tmp_path, rest=RestOptions(auth=AuthMode.TOKEN), clock=clock) as running:
        yield running


async def secret(server: Server, *actions: Action, scope: Scope | None = None, days: float | None = None) -> str:
    made = await add_token(
        server.app,
        description="test",
        actions=frozenset(actions or Action),
        scope=scope or Scope(),
        expires_days=days,
    )
    return made.secret


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "Missing authorization header"),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, "Missing authorization header"),
        ({"Authorization": "Bearer"}, "Missing bearer token"),
        ({"Authorization": "Bearer   "}, "Missing bearer token"),
        ({"Authorization": "Bearer nonsense"}, "Invalid token"),
        ({"Authorization": "bearer nonsense"}, "Invalid token"),
        ({"X-API-Key": "nonsense"}, "Invalid token"),
        ({"X-API-Key": ""}, "Missing authorization header"),
        ({"Authorization": "Bearer \xe9\xff"}, "Invalid token"),
    ],
)
async def test_a_request_without_a_valid_token_is_refused(
    guarded: Server, headers: dict[str, str], detail: str
) -> None:
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    response = await guarded.http.get(LIST, headers=raw)
    assert response.status_code == 401
    assert response.json() == {"detail": detail, "code": "unauthenticated"}
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_token_opens_the_door_as_bearer_or_as_key(guarded: Server) -> None:
    value = await secret(guarded)
    for headers in ({"Authorization": f"Bearer {value}"}, {"X-API-Key": value}):
        assert answered(await guarded.http.get(LIST, headers=headers))["total"] == 0


async def test_a_token_whose_time_is_over_is_refused(guarded: Server, clock: Clock) -> None:
    value = await secret(guarded, days=1)
    clock.now += 86_400
    response = await guarded.http.get(LIST, headers={"Authorization": f"Bearer {value}"})
    assert (response.status_code, response.json()["detail"]) == (401, "Token has expired")


async def test_a_removed_token_is_refused_at_once(guarded: Server) -> None:
    value = await secret(guarded)
    headers = {"Authorization": f"Bearer {value}"}
    answered(await guarded.http.get(LIST, headers=headers))
    token = (await guarded.app.tokens.list())[0]
    await guarded.app.tokens.remove(token.digest)
    assert (await guarded.http.get(LIST, headers=headers)).status_code == 401


@pytest.mark.parametrize("path", ["/v1/health", "/v1/health/ready", "/docs", "/redoc", "/openapi.json"])
async def test_what_watches_and_describes_the_server_needs_no_token(guarded: Server, path: str) -> None:
    assert (await guarded.http.get(path)).status_code == 200


async def test_a_reader_may_not_write(guarded: Server) -> None:
    value = await secret(guarded, Action.READ)
    headers = {"Authorization": f"Bearer {value}"}
    answered(await guarded.http.get(LIST, headers=headers))
    response = await guarded.http.put("/v1/working-memory/s", json={}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


async def test_a_caller_is_known_before_a_byte_of_the_body_is_read(guarded: Server) -> None:
    response = await guarded.http.post("/v1/long-term-memory/", content=b"{ this is no JSON")
    assert response.status_code == 401


async def test_a_body_of_a_stranger_changes_nothing(guarded: Server) -> None:
    body = {"memories": [{"id": "m", "text": "planted"}]}
    assert (await guarded.http.post("/v1/long-term-memory/", json=body)).status_code == 401
    assert (await guarded.app.memories.stats()).memories == 0
