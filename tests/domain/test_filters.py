"""What a filter means, condition by condition."""

from __future__ import annotations

import pytest

from agent_memory_server.domain.filters import (
    EVERYTHING,
    Condition,
    Filter,
    Match,
    Op,
    TagField,
    TextField,
    TimeField,
    TimeNot,
    TimeRange,
    matches,
    only,
)
from agent_memory_server.domain.memory import Memory, MemoryType

MEMORY = Memory(
    id="m1",
    text="tea",
    namespace="team/a",
    user_id="alice",
    memory_type=MemoryType.EPISODIC,
    topics=("tea", "Morning"),
    created_at=100.0,
    updated_at=100.0,
    last_accessed=200.0,
)
TOPICS, USER = TagField.TOPICS, TextField.USER_ID


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (only(USER, "alice"), True),
        (only(USER, "Alice"), False),
        (only(USER, "alice "), False),
        (only(USER, ""), False),
        (only(TextField.SESSION_ID, ""), True),
        (only(TextField.MEMORY_TYPE, "episodic"), True),
        (Match(USER, Op.NONE, ("bob",)), True),
        (Match(USER, Op.NONE, ("bob", "alice")), False),
        (Match(TextField.SESSION_ID, Op.NONE, ("s",)), True),
        (Match(TextField.SESSION_ID, Op.NONE, ("",)), False),
        (Match(USER, Op.ALL, ("alice", "bob")), False),
        (Match(TextField.NAMESPACE, Op.PREFIX, ("team/",)), True),
        (Match(TextField.NAMESPACE, Op.PREFIX, ("Team/",)), False),
        (Match(TextField.SESSION_ID, Op.PREFIX, ("s",)), False),
        (only(TOPICS, "tea", "x"), True),
        (only(TOPICS, "te"), False),
        (only(TOPICS, ""), False),
        (only(TagField.ENTITIES, ""), True),
        (Match(TOPICS, Op.ALL, ("tea", "Morning")), True),
        (Match(TOPICS, Op.ALL, ("tea", "evening")), False),
        (Match(TOPICS, Op.NONE, ("evening",)), True),
        (Match(TOPICS, Op.NONE, ("tea",)), False),
        (Match(TagField.ENTITIES, Op.NONE, ("x",)), True),
        (Match(TOPICS, Op.PREFIX, ("Mor",)), True),
        (Match(TagField.ENTITIES, Op.PREFIX, ("x",)), False),
        (TimeRange(field=TimeField.CREATED_AT, low=100.0, high=100.0), True),
        (TimeRange(field=TimeField.CREATED_AT, low=100.0, low_inclusive=False), False),
        (TimeRange(field=TimeField.CREATED_AT, high=100.0, high_inclusive=False), False),
        (TimeRange(field=TimeField.CREATED_AT, low=99.0, high=101.0), True),
        (TimeRange(field=TimeField.EVENT_DATE), False),
        (TimeNot(TimeField.CREATED_AT, 100.0), False),
        (TimeNot(TimeField.CREATED_AT, 101.0), True),
        (TimeNot(TimeField.EVENT_DATE, 100.0), True),
    ],
)
def test_a_condition_means_what_it_says(condition: Condition, expected: bool) -> None:
    assert matches(Filter((condition,)), MEMORY) is expected


def test_all_conditions_must_hold() -> None:
    assert matches(EVERYTHING, MEMORY)
    assert matches(EVERYTHING.also(only(USER, "alice"), only(TOPICS, "tea")), MEMORY)
    assert not matches(EVERYTHING.also(only(USER, "alice"), only(TOPICS, "coffee")), MEMORY)
