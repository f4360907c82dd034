"""`total` and `next_offset` are true, a partial failure is reported per item, and what is not known is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.outage import Mood, embedder_of, moody_service
from tests.support.rest import Json, Server, answered, serving


@pytest.fixture
async def stocked(tmp_path: Path) -> Any:
    async with serving(tmp_path) as server:
        records = [
            {
                "id": f"k{n:03}",
                "text": f"river {n}",
                "user_id": f"u{n % 3}",
                "topics": ["even" if n % 2 == 0 else "odd"],
            }
            for n in range(130)
        ]
        await server.remember(*records)
        yield server


QUESTIONS: list[Json] = [
    {"text": None},
    {"text": "river"},
    {"text": "river", "search_mode": "keyword"},
    {"text": "river", "search_mode": "hybrid"},
]
FILTERS: list[tuple[Json, int]] = [
    ({}, 130),
    ({"user_id": {"eq": "u0"}}, 44),
    ({"topics": {"eq": "odd"}}, 65),
    ({"user_id": {"eq": "u1"}, "topics": {"eq": "even"}}, 21),
    ({"user_id": {"eq": "nobody"}}, 0),
]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(("filters", "count"), FILTERS)
async def test_the_total_is_the_number_of_results_that_paging_gives(
    stocked: Server, question: Json, filters: Json, count: int
) -> None:
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = await stocked.search(**question, **filters, limit=40, offset=offset, recency_boost=False)
        assert page["total"] == count
        assert page["next_offset"] is None or page["next_offset"] == offset + len(page["memories"])
        seen += [memory["id"] for memory in page["memories"]]
        offset = page["next_offset"]
    assert len(seen) == len(set(seen)) == count


async def test_the_number_of_deleted_records_is_what_was_deleted(stocked: Server) -> None:
    params = {"memory_ids": ["k000", "k001", "k001", "nothing"]}
    done = answered(await stocked.http.delete("/v1/long-term-memory", params=params))
    assert done["status"] == "ok, deleted 2 memories"
    assert (await stocked.search())["total"] == 128


async def test_each_record_of_a_request_has_an_outcome_of_its_own(stocked: Server) -> None:
    done = await stocked.remember(
        {"id": "new", "text": "new"},
        {"id": "k000", "text": "changed"},
        {"id": "copy", "text": "river 1", "user_id": "u1"},
        deduplicate=True,
    )
    assert [(item["id"], item["status"]) for item in done["items"]] == [
        ("new", "created"),
        ("k000", "replaced"),
        ("k001", "duplicate"),
    ]


async def test_a_record_without_a_vector_is_said_to_be_without(tmp_path: Path) -> None:
    async with moody_service() as service, serving(tmp_path, embedder=await embedder_of(service)) as server:
        service.become(Mood.FAILING)
        done = await server.remember({"id": "a", "text": "t"})
        assert done["items"] == [{"id": "a", "status": "created", "embedded": False}]
        assert (await server.search("t"))["degraded"]
        service.become(Mood.WELL)


@pytest.mark.parametrize(
    "body",
    [
        {"text": "river", "user": {"eq": "u0"}},
        {"text": "river", "user_id": {"equals": "u0"}},
        {"text": "river", "topics": {"any": ["odd"], "al": ["even"]}},
        {"text": "river", "created_at": {"after": "2026-01-01"}},
        {"text": "river", "lmit": 5},
    ],
)
async def test_a_misspelt_member_is_refused_by_name(stocked: Server, body: Json) -> None:
    response = await stocked.http.post("/v1/long-term-memory/search", json=body)
    assert response.status_code == 422
    assert {error["type"] for error in response.json()["detail"]} == {"extra_forbidden"}


async def test_a_session_is_there_or_not_and_never_in_between(stocked: Server) -> None:
    assert (await stocked.http.get("/v1/working-memory/s")).status_code == 404
    answered(await stocked.http.put("/v1/working-memory/s", json={}))
    assert answered(await stocked.http.get("/v1/working-memory/s"))["messages"] == []
    assert answered(await stocked.http.get("/v1/working-memory/"))["total"] == 1
