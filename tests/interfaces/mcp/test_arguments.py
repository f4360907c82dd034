"""What a tool accepts, and how it says what it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.interfaces.mcp.arguments import MODELS
from agent_memory_server.interfaces.mcp.catalogue import TOOLS
from agent_memory_server.interfaces.mcp.reading import opened, read

REQUIRED: dict[str, dict[str, Any]] = {
    "get_current_datetime": {},
    "create_long_term_memories": {"memories": [{"text": "a"}]},
    "search_long_term_memory": {"text": "a"},
    "memory_prompt": {"query": "a"},
    "set_working_memory": {"session_id": "s"},
    "append_working_memory_messages": {"session_id": "s", "messages": [{"role": "user", "content": "a"}]},
    "get_working_memory": {"session_id": "s"},
    "list_sessions": {},
    "get_long_term_memory": {"memory_id": "m"},
    "edit_long_term_memory": {"memory_id": "m"},
    "delete_long_term_memories": {"memory_ids": ["m"]},
    "compact_long_term_memories": {},
}

TAG: list[Any] = [
    None,
    "a",
    "",
    ["a", "b"],
    {"eq": "a"},
    {"ne": "a"},
    {"any": ["a"]},
    {"all": ["a", "b"]},
    {"startswith": "a"},
]
TAG += [{"eq": "a", "ne": None, "any": None, "all": None, "startswith": None, "field": "other"}]
TIME: list[Any] = [
    None,
    {"gte": "2026-01-01T00:00:00Z"},
    {"gt": "2026-01-01T00:00:00+02:00", "lt": "2026-02-01T00:00:00"},
]
TIME += [{"between": ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"], "inclusive": "left"}, {"ne": "2026-01-01"}]
TYPE: list[Any] = [
    None,
    {"eq": "semantic"},
    {"any": ["episodic", "message"], "field": "memory_type", "enum_class": None},
]
FILTERS: dict[str, list[Any]] = {
    **dict.fromkeys(["namespace", "topics", "entities", "user_id"], TAG),
    **dict.fromkeys(["created_at", "last_accessed", "event_date"], TIME),
    "memory_type": TYPE,
    "search_mode": ["semantic", "keyword", "hybrid"],
    "limit": [1, 100],
    "offset": [0, 1000],
    "optimize_query": [True, False],
    "distance_threshold": [None, 0, 0.5, 2],
    "recency_boost": [None, True, False],
    "server_side_recency": [None, True],
    "recency_semantic_weight": [None, 1, 0.25],
    "recency_half_life_created_days": [None, 0.5, 365],
}
RECORD = {
    "id": "m",
    "text": "a",
    "session_id": None,
    "user_id": "u",
    "namespace": "n",
    "last_accessed": "2026-01-01T00:00:00Z",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
    "pinned": True,
    "access_count": 3,
    "topics": ["t"],
    "entities": None,
    "memory_hash": "h",
    "discrete_memory_extracted": "t",
    "memory_type": "episodic",
    "persisted_at": None,
    "extracted_from": ["x"],
    "event_date": "2026-01-01T00:00:00Z",
    "extraction_strategy": "discrete",
    "extraction_strategy_config": {"a": 1},
    "metadata": {"a": [1, {"b": None}]},
}
MESSAGE = {
    "role": "user",
    "content": "a",
    "id": "x",
    "created_at": "2026-01-01T00:00:00Z",
    "persisted_at": None,
    "discrete_memory_extracted": "f",
}
ACCEPTED: dict[str, dict[str, list[Any]]] = {
    "search_long_term_memory": {
        **FILTERS,
        "text": ["a", "", None],
        "session_id": TAG,
        "extraction_strategy": TAG,
        "include_superseded": [True],
        "as_of": [None, "2026-01-01T00:00:00Z", 1.5],
    },
    "memory_prompt": {
        **FILTERS,
        "query": ["a", ""],
        "session_id": [None, {"eq": "s"}, "s"],
        "model_name": [None, "gpt-4o", "claude-sonnet-4-5", "any-other"],
        "context_window_max": [None, 0, 8000],
        "include_long_term_search": [True],
    },
    "create_long_term_memories": {"memories": [[], [RECORD], [{"text": "a"}]]},
    "set_working_memory": {
        "memories": [None, [], [RECORD]],
        "messages": [None, [], [MESSAGE]],
        "context": [None, "", "a"],
        "data": [None, {}, {"a": {"b": [1, 2.5, None, True]}}],
        "namespace": [None, "", "n"],
        "user_id": [None, "u"],
        "ttl_seconds": [1, 3600],
        "long_term_memory_strategy": [None, {}, {"strategy": "custom", "config": {"custom_prompt": "x"}}],
    },
    "append_working_memory_messages": {"messages": [[MESSAGE]], "ttl_seconds": [None, 60]},
    "get_working_memory": {"user_id": [None, "u"], "recent_messages_limit": [None, -1, 0, 5]},
    "list_sessions": {"limit": [1, 100], "offset": [0], "namespace": [None, "n"]},
    "edit_long_term_memory": {
        "text": [None, "a"],
        "topics": [None, [], ["t"]],
        "memory_type": [None, "message"],
        "event_date": [None, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:00"],
        "pinned": [None, True],
        "namespace": [None, "n"],
    },
    "delete_long_term_memories": {"memory_ids": [[], ["a", "b"]]},
    "compact_long_term_memories": {"namespace": [None, "n"], "session_id": [None, "s"]},
}
accepted = [
    pytest.param(tool, name, value, id=f"{tool}-{name}-{json.dumps(value)[:40]}")
    for tool, parameters in ACCEPTED.items()
    for name, values in parameters.items()
    for value in values
]


def _read(tool: str, arguments: dict[str, Any]) -> BaseModel:
    return read(MODELS[tool], opened(TOOLS[tool], arguments))


def _refused(tool: str, arguments: dict[str, Any]) -> str:
    with pytest.raises(InvalidRequest) as refusal:
        _read(tool, arguments)
    return str(refusal.value)


@pytest.mark.parametrize(("tool", "name", "value"), accepted)
def test_what_the_format_allows_is_shown_and_accepted(tool: str, name: str, value: Any) -> None:
    arguments = {**REQUIRED[tool], name: value}
    Draft202012Validator(TOOLS[tool].listed()["inputSchema"]).validate(arguments)
    _read(tool, arguments)


SAMPLES: list[Any] = [None, True, 0, -1, 1.5, "text", "", [], [1], ["a"], [{}], {}, {"no_such_member": 1}, 10**30]


@pytest.mark.parametrize("tool", REQUIRED)
def test_what_the_shown_schema_refuses_is_refused_with_the_parameters_name(tool: str) -> None:
    checked = 0
    for name, schema in TOOLS[tool].parameters.items():
        for value in SAMPLES:
            if not Draft202012Validator(schema).is_valid(value):
                assert name in _refused(tool, {**REQUIRED[tool], name: value}), (name, value)
                checked += 1
    assert checked or not TOOLS[tool].parameters


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("search_long_term_memory", {"limit": 101}, "limit"),
        ("search_long_term_memory", {"limit": 0}, "limit"),
        ("search_long_term_memory", {"topics": {}}, "topics"),
        ("search_long_term_memory", {"topics": {"equals": "a"}}, "topics.equals"),
        ("search_long_term_memory", {"topics": {"any": []}}, "topics"),
        ("search_long_term_memory", {"memory_type": {"eq": "fact"}}, "memory_type.eq"),
        ("search_long_term_memory", {"created_at": {"gte": "yesterday"}}, "created_at.gte"),
        ("search_long_term_memory", {"event_date": {"between": ["2026-01-01T00:00:00Z"]}}, "event_date"),
        ("search_long_term_memory", {"recency_half_life_created_days": 0}, "recency_half_life_created_days"),
        ("memory_prompt", {"session_id": {"any": ["a", "b"]}}, "session_id"),
        ("create_long_term_memories", {"memories": [{"text": "a"}, {"text": " "}]}, "memories[1]"),
        ("create_long_term_memories", {"memories": [{"text": "a", "topic": "x"}]}, "memories[0].topic"),
        ("create_long_term_memories", {"memories": [{"text": "a", "topics": ["a,b"]}]}, "memories[0].topics"),
        ("set_working_memory", {"ttl_seconds": 0}, "ttl_seconds"),
        ("set_working_memory", {"messages": [{"role": "user"}]}, "messages[0].content is required"),
        ("edit_long_term_memory", {"event_date": "soon"}, "event_date"),
        ("delete_long_term_memories", {"memory_ids": [""]}, "memory_ids[0]"),
    ],
)
def test_a_mistake_is_told_with_its_place(tool: str, arguments: dict[str, Any], told: str) -> None:
    assert told in _refused(tool, {**REQUIRED[tool], **arguments})


@pytest.mark.parametrize("tool", REQUIRED)
def test_a_misspelt_parameter_is_refused_with_the_right_spelling(tool: str) -> None:
    for name in TOOLS[tool].parameters:
        reason = _refused(tool, {**REQUIRED[tool], f"{name}x": 1})
        assert f"{name}x" in reason
        assert "did you mean" in reason
    assert "zzz" in _refused(tool, {**REQUIRED[tool], "zzz": 1})


@pytest.mark.parametrize("tool", [tool for tool, arguments in REQUIRED.items() if arguments])
def test_a_missing_parameter_is_named(tool: str) -> None:
    for name in REQUIRED[tool]:
        rest = {other: value for other, value in REQUIRED[tool].items() if other != name}
        assert f"{name} is required" in _refused(tool, rest)


def test_objects_and_lists_that_come_as_text_are_understood() -> None:
    asked = _read("search_long_term_memory", {"text": "[1]", "topics": '["a","b"]', "user_id": '{"eq":"u"}'})
    assert asked.model_dump(include={"text": True, "topics": {"any"}, "user_id": {"eq"}}) == {
        "text": "[1]",
        "topics": {"any": ["a", "b"]},
        "user_id": {"eq": "u"},
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_arguments_lead_to_anything_but_acceptance_or_a_reason(data: st.DataObject) -> None:
    tool = data.draw(st.sampled_from(sorted(TOOLS)))
    names = [*TOOLS[tool].parameters, "unknown"]
    arguments = data.draw(st.dictionaries(st.sampled_from(names), json_values, max_size=4))
    try:
        _read(tool, {**REQUIRED[tool], **arguments})
    except InvalidRequest as refusal:
        assert any(name in str(refusal) for name in arguments)  # noqa: PT017 - which of the two happens is open
