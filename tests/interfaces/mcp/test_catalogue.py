"""What a client sees of the tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agent_memory_server.domain.tokens import estimate_tokens
from agent_memory_server.interfaces.mcp.arguments import MODELS
from agent_memory_server.interfaces.mcp.calls import CALLS
from agent_memory_server.interfaces.mcp.catalogue import TOOLS
from agent_memory_server.interfaces.mcp.reading import opened, read
from agent_memory_server.interfaces.mcp.tool import Tool

REFERENCE_TOKENS = 14_406
"""The list of the reference server 0.15.2 without its prose, by the same estimate."""

RECENCY = (
    "recency_boost recency_semantic_weight recency_recency_weight recency_freshness_weight recency_novelty_weight "
    "recency_half_life_last_access_days recency_half_life_created_days server_side_recency"
).split()
COMMON = (
    "session_id namespace topics entities created_at last_accessed user_id memory_type event_date distance_threshold "
    "search_mode limit offset optimize_query"
).split() + RECENCY
EDITABLE = "text topics entities memory_type namespace user_id session_id event_date pinned".split()
SESSION = "session_id memories messages context data namespace user_id ttl_seconds long_term_memory_strategy".split()

FORMAT: dict[str, tuple[list[str], list[str], dict[str, Any]]] = {
    "get_current_datetime": ([], [], {}),
    "create_long_term_memories": (["memories"], ["memories"], {}),
    "search_long_term_memory": (
        ["text", "extraction_strategy", *COMMON],
        ["text"],
        {"search_mode": "semantic", "limit": 10, "offset": 0, "optimize_query": False},
    ),
    "memory_prompt": (
        ["query", "model_name", "context_window_max", "include_long_term_search", *COMMON],
        ["query"],
        {
            "search_mode": "semantic",
            "limit": 10,
            "offset": 0,
            "optimize_query": False,
            "include_long_term_search": True,
        },
    ),
    "set_working_memory": (SESSION, ["session_id"], {"ttl_seconds": 3600}),
    "get_working_memory": (["session_id", "user_id", "namespace", "recent_messages_limit"], ["session_id"], {}),
    "get_long_term_memory": (["memory_id"], ["memory_id"], {}),
    "edit_long_term_memory": (["memory_id", *EDITABLE], ["memory_id"], {}),
    "delete_long_term_memories": (["memory_ids"], ["memory_ids"], {}),
    "compact_long_term_memories": (["namespace", "user_id", "session_id"], [], {}),
}
"""The ten tools of the format: parameters, those that are required, and defaults other than null."""

ADDED = {"min_relevance", "include_superseded", "as_of", "try_extraction"}
"""Parameters beyond the format; all of them optional, and off when they are left out."""

every_tool = pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)


def _listed() -> list[dict[str, Any]]:
    return [tool.listed() for tool in TOOLS.values()]


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from _nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _nodes(value)


@pytest.mark.parametrize("name", FORMAT)
def test_a_tool_of_the_format_has_its_parameters_and_defaults(name: str) -> None:
    parameters, required, defaults = FORMAT[name]
    tool = TOOLS[name]
    assert set(tool.parameters) - ADDED == set(parameters)
    assert list(tool.required) == required
    shown = {name: schema["default"] for name, schema in tool.parameters.items() if "default" in schema}
    assert {name: default for name, default in shown.items() if name not in ADDED} == defaults
    assert not any(shown[name] for name in ADDED & shown.keys())
    fields = MODELS[name].model_fields
    for parameter in tool.parameters:
        default = fields[parameter].get_default(call_default_factory=True, validated_data={})
        assert parameter in required or default == shown.get(parameter)
        assert fields[parameter].is_required() is (parameter in required)


def test_few_tools_go_beyond_the_format() -> None:
    assert set(TOOLS) - set(FORMAT) == {"append_working_memory_messages", "list_sessions"}
    assert set(TOOLS) == set(MODELS) == set(CALLS)


def test_the_list_takes_less_room_than_the_reference_servers_schemas_alone() -> None:
    tokens = estimate_tokens(json.dumps({"tools": _listed()}, separators=(",", ":")))
    assert tokens < REFERENCE_TOKENS / 2.5, tokens


@every_tool
def test_schemas_are_valid_and_hold_nothing_that_clients_stumble_over(tool: Tool) -> None:
    shown = tool.listed()
    for schema in (shown["inputSchema"], shown["outputSchema"]):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert not any("$ref" in node or "$defs" in node or "anyOf" in node for node in _nodes(schema))
    for node in _nodes(shown["inputSchema"]):
        kinds = node.get("type")
        if isinstance(kinds, list | str) and "array" in ([kinds] if isinstance(kinds, str) else kinds):
            assert "items" in node
    assert set(tool.parameters) == set(MODELS[tool.name].model_fields)


@every_tool
def test_a_description_is_short_and_its_example_is_accepted(tool: Tool) -> None:
    assert estimate_tokens(tool.description) < 260
    before, marker, example = tool.description.partition("Example: ")
    assert before.strip()
    if tool.required:
        assert marker
        arguments = json.loads(example)
        Draft202012Validator(tool.listed()["inputSchema"]).validate(arguments)
        read(MODELS[tool.name], opened(tool, arguments))


@every_tool
def test_hints_tell_readers_writers_and_destroyers_apart(tool: Tool) -> None:
    hints = tool.listed()["annotations"]
    assert hints["readOnlyHint"] is tool.name.startswith(("get_", "search_", "list_", "memory_prompt"))
    assert hints.get("destructiveHint", False) is tool.name.startswith(("set_", "edit_", "delete_", "compact_"))
    assert hints["openWorldHint"] is False
