from __future__ import annotations

from typing import Any

import pytest

from tests.support.rest import Json, Server

SEARCH = "/v1/long-term-memory/search"


def day(number: int) -> str:
    return f"2026-01-{number:02d}T12:00:00Z"


@pytest.fixture
async def stocked(server: Server) -> Server:
    await server.remember(
        {"id": "a", "text": "river", "user_id": "u1", "namespace": "ns", "session_id": "s1", "topics": ["x", "y"]},
        {"id": "b", "text": "river", "user_id": "u2", "namespace": "ns/deep", "entities": ["Ana"], "topics": ["x"]},
        {"id": "c", "text": "river", "user_id": "U1", "memory_type": "episodic", "event_date": day(5)},
        {"id": "d", "text": "river", "extraction_strategy": "summary", "created_at": day(10), "last_accessed": day(12)},
    )
    return server


TEXT_CASES: list[tuple[Json, str]] = [
    ({"user_id": {"eq": "u1"}}, "a"),
    ({"user_id": "u1"}, "a"),
    ({"user_id": {"ne": "u1"}}, "bcd"),
    ({"user_id": {"not_eq": "u1"}}, "bcd"),
    ({"user_id": {"any": ["u1", "U1"]}}, "ac"),
    ({"user_id": {"in_": ["u1", "u2"]}}, "ab"),
    ({"user_id": {"in": ["u1", "u2"]}}, "ab"),
    ({"user_id": {"not_in": ["u1", "u2"]}}, "cd"),
    ({"user_id": {"none": ["u1"]}}, "bcd"),
    ({"user_id": {"eq": "u1|u2"}}, ""),
    ({"user_id": {"eq": ""}}, "d"),
    ({"user_id": {"eq": "*"}}, ""),
    ({"user_id": {"startswith": "u"}}, "ab"),
    ({"namespace": {"startswith": "ns"}}, "ab"),
    ({"namespace": {"startswith": "ns/"}}, "b"),
    ({"namespace": {"startswith": "%"}}, ""),
    ({"namespace": {"eq": "NS"}}, ""),
    ({"session_id": {"eq": "s1"}}, "a"),
    ({"session_id": {"ne": "s1"}}, "bcd"),
    ({"topics": {"any": ["x", "z"]}}, "ab"),
    ({"topics": {"all": ["x", "y"]}}, "a"),
    ({"topics": {"eq": "x"}}, "ab"),
    ({"topics": {"none": ["y"]}}, "bcd"),
    ({"topics": ["y"]}, "a"),
    ({"entities": {"eq": "Ana"}}, "b"),
    ({"entities": {"eq": "ana"}}, ""),
    ({"memory_type": {"eq": "episodic"}}, "c"),
    ({"memory_type": {"ne": "episodic"}}, "abd"),
    ({"memory_type": {"any": ["episodic", "message"]}}, "c"),
    ({"memory_type": {"not_in": ["semantic"]}}, "c"),
    ({"extraction_strategy": {"eq": "summary"}}, "d"),
    ({"user_id": {"startswith": "u", "not_in": ["u2"]}}, "a"),
    ({"topics": {"any": ["x"], "ne": "y"}}, "b"),
    ({"user_id": {"eq": "u1", "field": "namespace"}}, "a"),
    ({"memory_type": {"eq": "episodic", "enum_class": "x"}}, "c"),
    ({"user_id": {"eq": "u1", "ne": None}}, "a"),
]

TIME_CASES: list[tuple[Json, str]] = [
    ({"created_at": {"lte": day(10)}}, "d"),
    ({"created_at": {"lt": day(10)}}, ""),
    ({"created_at": {"gte": day(10), "lt": day(11)}}, "d"),
    ({"created_at": {"gt": day(10), "lt": day(11)}}, ""),
    ({"created_at": {"gte": day(9), "gt": day(10), "lt": day(11)}}, ""),
    ({"created_at": {"lte": day(11), "lt": day(10)}}, ""),
    ({"created_at": {"eq": day(10)}}, "d"),
    ({"created_at": {"ne": day(10)}}, "abc"),
    ({"created_at": {"gt": day(11)}}, "abc"),
    ({"last_accessed": {"between": [day(11), day(12)]}}, "d"),
    ({"last_accessed": {"between": [day(11), day(12)], "inclusive": "both"}}, "d"),
    ({"last_accessed": {"between": [day(11), day(12)], "inclusive": "left"}}, ""),
    ({"last_accessed": {"between": [day(11), day(12)], "inclusive": "right"}}, "d"),
    ({"last_accessed": {"between": [day(12), day(13)], "inclusive": "left"}}, "d"),
    ({"last_accessed": {"between": [day(12), day(13)], "inclusive": "right"}}, ""),
    ({"last_accessed": {"between": [day(12), day(13)], "inclusive": "neither"}}, ""),
    ({"last_accessed": {"between": [day(13), day(11)]}}, ""),
    ({"event_date": {"eq": day(5)}}, "c"),
    ({"event_date": {"lte": day(5)}}, "c"),
    ({"event_date": {"ne": day(5)}}, "abd"),
    ({"event_date": {"gte": 0}}, "c"),
    ({"event_date": {"eq": 1767614400}}, "c"),
    ({"event_date": {"eq": "2026-01-05T14:00:00+02:00"}}, "c"),
    ({"event_date": {"eq": "2026-01-05T12:00:00"}}, "c"),
]

JOINED_CASES: list[tuple[Json, str]] = [
    ({"user_id": {"eq": "u1"}, "namespace": {"eq": "ns"}, "topics": {"eq": "x"}}, "a"),
    ({"user_id": {"eq": "u1"}, "namespace": {"eq": "ns/deep"}}, ""),
    ({"memory_type": {"eq": "episodic"}, "event_date": {"gt": day(5)}}, ""),
]


@pytest.mark.parametrize(("filters", "expected"), TEXT_CASES + TIME_CASES + JOINED_CASES)
async def test_all_members_of_all_filters_hold(stocked: Server, filters: Json, expected: str) -> None:
    for request in ({"text": None}, {"text": "river"}, {"text": "river", "search_mode": "keyword"}):
        found = await stocked.search(**{**request, **filters})
        assert "".join(sorted(memory["id"] for memory in found["memories"])) == expected, request
        assert found["total"] == len(expected)


REFUSED: list[tuple[Json, list[Any]]] = [
    ({"user_id": {}}, ["user_id"]),
    ({"user_id": {"eq": None}}, ["user_id"]),
    ({"user_id": {"eqq": "u1"}}, ["user_id", "eqq"]),
    ({"user_id": {"eq": "u1", "like": "u"}}, ["user_id", "like"]),
    ({"user_id": {"field": "namespace"}}, ["user_id"]),
    ({"user_id": 7}, ["user_id"]),
    ({"user_id": {"eq": 7}}, ["user_id", "eq"]),
    ({"user_id": {"eq": "a", "ne": "b"}}, ["user_id"]),
    ({"topics": {"any": ["a"], "all": ["b"]}}, ["topics"]),
    ({"topics": {"any": []}}, ["topics"]),
    ({"topics": {"all": []}}, ["topics"]),
    ({"topics": {"any": "a"}}, ["topics", "any"]),
    ({"namespace": {"startswith": ""}}, ["namespace"]),
    ({"namespace": {"startswith": "a", "eq": "a"}}, ["namespace"]),
    ({"memory_type": {"eq": "odd"}}, ["memory_type", "eq"]),
    ({"memory_type": {"any": ["semantic", "odd"]}}, ["memory_type", "any", 1]),
    ({"created_at": {}}, ["created_at"]),
    ({"created_at": {"inclusive": "both"}}, ["created_at"]),
    ({"created_at": {"gte": "yesterday"}}, ["created_at", "gte"]),
    ({"created_at": {"between": [day(1)]}}, ["created_at"]),
    ({"created_at": {"between": [day(1), day(2)], "eq": day(1)}}, ["created_at"]),
    ({"created_at": {"between": [day(1), day(2)], "inclusive": "some"}}, ["created_at", "inclusive"]),
    ({"created_at": "2026-01-01"}, ["created_at"]),
    ({"create_at": {"gte": day(1)}}, ["create_at"]),
]


@pytest.mark.parametrize(("filters", "at"), REFUSED)
async def test_a_filter_that_cannot_be_meant_is_refused_where_it_stands(
    server: Server, filters: Json, at: list[Any]
) -> None:
    response = await server.http.post(SEARCH, json={"text": "river", **filters})
    assert response.status_code == 422
    assert ["body", *at] in [error["loc"] for error in response.json()["detail"]]
