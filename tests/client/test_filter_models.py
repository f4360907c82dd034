"""What filters take, what they refuse, and what their shorthands mean."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from agent_memory_client.models import (
    CreatedAt,
    Entities,
    EventDate,
    ExtractionStrategy,
    LastAccessed,
    MemoryType,
    Namespace,
    SearchRequest,
    SessionId,
    TagFilter,
    Topics,
    UserId,
)
from agent_memory_client.models.filters import TimeFilter

TAGS = [SessionId, Namespace, UserId, Topics, Entities, ExtractionStrategy]
TIMES = [CreatedAt, LastAccessed, EventDate]


def fault(model: type[TagFilter | TimeFilter | MemoryType], members: object) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(members)
    return "; ".join(f"{fault['loc']} {fault['msg']}" for fault in caught.value.errors())


@pytest.mark.parametrize("model", TAGS)
@pytest.mark.parametrize(
    "members",
    [
        {"eq": "a"},
        {"ne": "a"},
        {"any": ["a", "b"]},
        {"all": ["a", "b"]},
        {"startswith": "a/"},
        {"in_": ["a"]},
        {"not_eq": "a"},
        {"not_in": ["a"]},
        {"none": ["a"]},
        {"eq": ""},
        {"any": ["a"], "ne": "b", "none": ["c"]},
        {"startswith": "a", "none": ["ab"]},
    ],
)
def test_every_member_of_a_tag_filter_is_taken(model: type[TagFilter], members: dict[str, Any]) -> None:
    assert model.model_validate(members).model_dump(exclude_none=True) == members


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"eq": "a", "ne": "b"}, "eq and ne cannot both be set"),
        ({"any": ["a"], "all": ["b"]}, "any and all cannot both be set"),
        ({"any": []}, "any cannot be an empty list"),
        ({"all": []}, "all cannot be an empty list"),
        ({"in": []}, "in_ cannot be an empty list"),
        ({"not_in": []}, "not_in cannot be an empty list"),
        ({"none": []}, "none cannot be an empty list"),
        ({"startswith": ""}, "startswith cannot be an empty string"),
        ({"startswith": "a", "eq": "b"}, "startswith and eq cannot both be set"),
        ({"startswith": "a", "ne": "b"}, "startswith and ne cannot both be set"),
        ({"startswith": "a", "any": ["b"]}, "startswith and any cannot both be set"),
        ({"startswith": "a", "all": ["b"]}, "startswith and all cannot both be set"),
        ({}, "no condition"),
        ({"eq": None}, "no condition"),
        ({"field": "topics"}, "no condition"),
        ({"equals": "a"}, "('equals',) Extra inputs are not permitted"),
        ({"eq": 7}, "('eq',)"),
        ({"any": "a"}, "('any',)"),
        ({"any": ["a", 7]}, "('any', 1)"),
        ({"any": ["a"] * 1001}, "('any',)"),
        ({"eq": "x" * 513}, "('eq',)"),
        (7, "()"),
        (True, "()"),
    ],
)
def test_a_tag_filter_that_means_nothing_is_refused(members: object, told: str) -> None:
    assert told in fault(Topics, members)


def test_a_text_means_equal_and_a_list_means_any_of_them() -> None:
    search = SearchRequest.model_validate({"user_id": "u1", "topics": ["a", "b"], "memory_type": "episodic"})
    assert search.model_dump(exclude_unset=True, mode="json") == {
        "user_id": {"eq": "u1"},
        "topics": {"any": ["a", "b"]},
        "memory_type": {"eq": "episodic"},
    }


def test_in_may_be_written_as_clients_of_other_languages_write_it() -> None:
    assert UserId.model_validate({"in": ["a"]}) == UserId(in_=["a"])
    assert "('in',) Extra inputs" in fault(UserId, {"in": ["a"], "in_": ["b"]})
    assert MemoryType.model_validate({"in": ["semantic"]}) == MemoryType.model_validate({"in_": ["semantic"]})


def test_a_filter_cannot_be_aimed_at_another_field() -> None:
    assert UserId.model_validate({"eq": "u1", "field": "namespace"}) == UserId(eq="u1")
    given = {"eq": "semantic", "field": "x", "enum_class": {}}
    assert MemoryType.model_validate(given) == MemoryType.model_validate({"eq": "semantic"})


@pytest.mark.parametrize("members", [{"eq": "facts"}, {"any": ["semantic", "x"]}, {"startswith": "s"}, {"eq": ""}, {}])
def test_a_type_filter_takes_the_three_types_only(members: dict[str, Any]) -> None:
    assert fault(MemoryType, members)


@pytest.mark.parametrize("model", TIMES)
@pytest.mark.parametrize(
    "members",
    [
        {"gte": 1, "lt": 2},
        {"gt": "2026-01-01", "lte": "2026-02-01T00:00:00Z"},
        {"eq": 1.5},
        {"ne": 1},
        {"between": [1, 2]},
        {"between": [1, 2], "inclusive": "neither"},
        {"between": [1, 2], "lte": 3},
        {"field": "x", "eq": 1},
    ],
)
def test_every_member_of_a_time_filter_is_taken(model: type[TimeFilter], members: dict[str, Any]) -> None:
    given = set(members) - {"field"}
    assert given <= set(model.model_validate(members).model_dump(exclude_none=True))


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"between": [1]}, "between must be a list of two datetimes"),
        ({"between": [1, 2, 3]}, "between must be a list of two datetimes"),
        ({"between": [1, 2], "gte": 1}, "between and gte cannot both be set"),
        ({"between": [1, 2], "eq": 1}, "between and eq cannot both be set"),
        ({"inclusive": "both"}, "no condition"),
        ({"between": [1, 2], "inclusive": "all"}, "('inclusive',)"),
        ({"after": 1}, "('after',) Extra inputs are not permitted"),
        ({"eq": "soon"}, "('eq',)"),
        ("2026-01-01", "()"),
    ],
)
def test_a_time_filter_that_means_nothing_is_refused(members: object, told: str) -> None:
    assert told in fault(EventDate, members)
