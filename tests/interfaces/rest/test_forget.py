from __future__ import annotations

import time
from typing import Any

import pytest

from agent_memory_client.models import ForgetResponse
from tests.support.rest import Json, Server, answered

DAY_S = 86_400.0
FORGET = "/v1/long-term-memory/forget"


async def aged(server: Server, **ages: tuple[float, float]) -> None:
    """Records by id, each with its age and the time since its last access, in days."""
    now = time.time()
    await server.remember(
        *(
            {"id": id_, "text": id_, "created_at": now - age * DAY_S, "last_accessed": now - idle * DAY_S}
            for id_, (age, idle) in ages.items()
        )
    )


async def forget(server: Server, policy: Json, params: Json | None = None, **body: Any) -> Json:
    response = await server.http.post(FORGET, json={"policy": policy, **body}, params=params or {})
    run = answered(response)
    ForgetResponse.model_validate(run)
    assert run["deleted"] == len(run["deleted_ids"])
    return run


async def left(server: Server) -> list[str]:
    return sorted(memory["id"] for memory in (await server.search())["memories"])


async def test_a_dry_run_is_the_default_and_deletes_nothing(server: Server) -> None:
    await aged(server, old=(100, 100), new=(1, 1))
    run = await forget(server, {"max_age_days": 30})
    assert run == {"scanned": 2, "deleted": 1, "deleted_ids": ["old"], "dry_run": True}
    assert await left(server) == ["new", "old"]


@pytest.mark.parametrize(
    ("policy", "gone"),
    [
        ({}, []),
        ({"max_age_days": 30}, ["ancient", "used"]),
        ({"max_inactive_days": 30}, ["ancient"]),
        ({"max_age_days": 30, "max_inactive_days": 30}, ["ancient"]),
        ({"max_age_days": 30, "max_inactive_days": 10**6}, ["ancient"]),
        ({"max_age_days": 30, "max_inactive_days": 10**6, "hard_age_multiplier": 3}, ["ancient", "used"]),
        ({"max_age_days": 0.5}, ["ancient", "fresh", "used"]),
        ({"budget": 1}, ["ancient", "used"]),
        ({"budget": 0}, ["ancient", "fresh", "used"]),
        ({"max_age_days": 365, "budget": 1}, ["ancient", "used"]),
        ({"max_age_days": 30, "memory_type_allowlist": ["episodic"]}, []),
        ({"max_age_days": 30, "memory_type_allowlist": ["semantic"]}, ["ancient", "used"]),
        ({"max_age_days": 30, "memory_type_allowlist": []}, []),
    ],
)
async def test_a_policy_lets_go_what_it_says(server: Server, policy: Json, gone: list[str]) -> None:
    await aged(server, ancient=(400, 400), used=(100, 2), fresh=(1, 1))
    run = await forget(server, policy, {"dry_run": "false"})
    assert sorted(run["deleted_ids"]) == gone
    assert await left(server) == sorted({"ancient", "used", "fresh"} - set(gone))


async def test_pinned_memories_stay(server: Server) -> None:
    await aged(server, a=(400, 400), b=(400, 400), c=(400, 400))
    answered(await server.http.patch("/v1/long-term-memory/a", json={"pinned": True}))
    run = await forget(server, {"max_age_days": 1}, {"dry_run": "false"}, pinned_ids=["b"])
    assert run["deleted_ids"] == ["c"]


async def test_a_policy_holds_where_it_is_told_to(server: Server) -> None:
    at = time.time() - 400 * DAY_S
    place = {"namespace": "n", "user_id": "ana", "session_id": "s"}
    await server.remember(
        {"id": "here", "text": "t", "created_at": at, **place},
        *({"id": f"not-{name}", "text": "t", "created_at": at, **place, name: "other"} for name in place),
    )
    run = await forget(server, {"max_age_days": 1}, {**place, "dry_run": "false"})
    assert run["deleted_ids"] == ["here"]


async def test_all_memories_are_looked_at_whatever_the_limit(server: Server) -> None:
    await aged(server, **{f"k{n}": (400.0, 400.0) for n in range(30)})
    run = await forget(server, {"max_age_days": 1}, {"limit": 5, "dry_run": "false"})
    assert (run["scanned"], run["deleted"]) == (30, 30)


@pytest.mark.parametrize(
    "policy",
    [
        {"max_age_day": 1},
        {"max_age_days": "1"},
        {"max_age_days": -1},
        {"max_inactive_days": -0.1},
        {"budget": -1},
        {"budget": 1.5},
        {"budget": True},
        {"hard_age_multiplier": "12"},
        {"hard_age_multiplier": -1},
        {"memory_type_allowlist": ["odd"]},
        {"memory_type_allowlist": "semantic"},
    ],
)
async def test_a_nonsense_policy_is_refused(server: Server, policy: Json) -> None:
    await aged(server, old=(400, 400))
    response = await server.http.post(FORGET, json={"policy": policy}, params={"dry_run": "false"})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][:2] == ["body", "policy"]
    assert await left(server) == ["old"]


@pytest.mark.parametrize("content", ['{"policy": {"max_age_days": NaN}}', '{"policy": {"max_age_days": 1e999}}'])
async def test_a_limit_that_is_no_number_is_refused(server: Server, content: str) -> None:
    response = await server.http.post(FORGET, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 422


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": -1}, {"limit": "x"}, {"dry_run": "maybe"}, {"namspace": "n"}]
)
async def test_a_run_asked_for_wrongly_is_refused(server: Server, params: Json) -> None:
    response = await server.http.post(FORGET, json={"policy": {}}, params=params)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", *params]


async def test_compaction_keeps_one_of_equal_memories_in_a_place(server: Server) -> None:
    same = {"text": "same", "user_id": "ana"}
    await server.remember({"id": "a", **same}, {"id": "b", **same}, {"id": "c", "text": "same", "user_id": "bob"})
    response = await server.http.post("/v1/long-term-memory/compact", params={"user_id": "ana"})
    assert answered(response) == {"status": "ok, 1 memories remaining after compaction"}
    assert len(await left(server)) == 2


async def test_compaction_takes_its_filter_literally(server: Server) -> None:
    await server.remember({"id": "a", "text": "same"}, {"id": "b", "text": "same"})
    response = await server.http.post("/v1/long-term-memory/compact", params={"user_id": "nobody} | @user_id:{*"})
    assert answered(response) == {"status": "ok, 0 memories remaining after compaction"}
    assert await left(server) == ["a", "b"]


async def test_compaction_of_a_misspelt_place_is_refused(server: Server) -> None:
    assert (await server.http.post("/v1/long-term-memory/compact", params={"user": "a"})).status_code == 422
