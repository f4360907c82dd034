"""Background work by REST: counted, and the dead listed, retried and discarded by those who may."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_memory_server.domain.principal import Action
from agent_memory_server.domain.scope import Scope
from agent_memory_server.interfaces.auth import AuthMode
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.operations.credentials import add_token
from agent_memory_server.ports.jobs import Job
from tests.support.jobs import queue_of
from tests.support.rest import Server, answered, serving

NOW = 1_790_000_000.0


async def bury(server: Server, *keys: str) -> None:
    queue = queue_of(server.app)
    for n, key in enumerate(keys):
        await queue.add(Job(kind="work", key=key, arguments={"id": key}, group="g"), due=NOW)
        (claim,) = await queue.claim(now=NOW, lease_s=30)
        await queue.give_up(claim, now=NOW + n, error="invalid_request: no")


async def figures(server: Server) -> tuple[int, int, int]:
    body = answered(await server.http.get("/v1/jobs"))
    return body["waiting"], body["running"], body["dead"]


async def test_the_dead_are_listed_retried_and_discarded(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await bury(server, "a", "b", "c")
        assert await figures(server) == (0, 0, 3)
        listed = answered(await server.http.get("/v1/jobs/dead", params={"limit": 2}))["jobs"]
        assert [entry["key"] for entry in listed] == ["c", "b"]
        assert listed[0] == {
            "id": listed[0]["id"],
            "kind": "work",
            "key": "c",
            "arguments": {"id": "c"},
            "group": "g",
            "attempts": 1,
            "error": "invalid_request: no",
            "failed_at": "2026-09-21T14:13:22Z",
        }
        ids = [entry["id"] for entry in listed]
        body = {"ids": [ids[0], ids[0], "nothing"]}
        assert answered(await server.http.post("/v1/jobs/dead/retry", json=body)) == {"count": 1}
        assert await figures(server) == (1, 0, 2)
        assert answered(await server.http.post("/v1/jobs/dead/discard", json={"ids": [ids[1]]})) == {"count": 1}
        assert await figures(server) == (1, 0, 1)


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": [""]}, {"ids": [1]}, {"ids": ["1"], "all": True}])
async def test_a_request_that_names_no_job_is_refused(tmp_path: Path, body: object) -> None:
    async with serving(tmp_path) as server:
        await bury(server, "a")
        for verb in ("retry", "discard"):
            assert (await server.http.post(f"/v1/jobs/dead/{verb}", json=body)).status_code == 422
        assert (await server.http.get("/v1/jobs/dead", params={"limit": 0})).status_code == 422
        assert await figures(server) == (0, 0, 1)


@pytest.mark.parametrize(
    ("actions", "scope", "status"),
    [
        ([Action.ADMIN], Scope(), 200),
        ([Action.READ, Action.WRITE], Scope(), 403),
        ([Action.ADMIN], Scope(frozenset({"team"}), None), 403),
        ([Action.ADMIN], Scope(None, frozenset({"ann"})), 403),
    ],
)
async def test_jobs_are_for_operators_of_everything(
    tmp_path: Path, actions: list[Action], scope: Scope, status: int
) -> None:
    async with serving(tmp_path, rest=RestOptions(auth=AuthMode.TOKEN)) as server:
        made = await add_token(server.app, description="test", actions=frozenset(actions), scope=scope)
        headers = {"Authorization": f"Bearer {made.secret}"}
        for path in ("/v1/jobs", "/v1/jobs/dead"):
            assert (await server.http.get(path, headers=headers)).status_code == status
            assert (await server.http.get(path)).status_code == 401
        for verb in ("retry", "discard"):
            answer = await server.http.post(f"/v1/jobs/dead/{verb}", json={"ids": ["1"]}, headers=headers)
            assert answer.status_code == status
