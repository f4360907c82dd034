"""The tools that a model may be given, and their schemas."""

from __future__ import annotations

from typing import Any, Final

from agent_memory_client.tool_schema import SchemaFormat, ToolSchema, ToolSchemaCollection

TOOL_SEARCH_MEMORY: Final = "search_memory"
TOOL_GET_OR_CREATE_WORKING_MEMORY: Final = "get_or_create_working_memory"
TOOL_LAZILY_CREATE_LONG_TERM_MEMORY: Final = "lazily_create_long_term_memory"
TOOL_UPDATE_WORKING_MEMORY_DATA: Final = "update_working_memory_data"
TOOL_GET_LONG_TERM_MEMORY: Final = "get_long_term_memory"
TOOL_EAGERLY_CREATE_LONG_TERM_MEMORY: Final = "eagerly_create_long_term_memory"
TOOL_EDIT_LONG_TERM_MEMORY: Final = "edit_long_term_memory"
TOOL_DELETE_LONG_TERM_MEMORIES: Final = "delete_long_term_memories"
TOOL_GET_CURRENT_DATETIME: Final = "get_current_datetime"
TOOL_ADD_MEMORY_TO_WORKING_MEMORY: Final = "add_memory_to_working_memory"
"""deprecated: lazily_create_long_term_memory"""
TOOL_CREATE_LONG_TERM_MEMORY: Final = "create_long_term_memory"
"""deprecated: eagerly_create_long_term_memory"""

Schema = dict[str, Any]


def _text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def _list(description: str) -> Schema:
    return {"type": "array", "items": {"type": "string"}, "description": description}


def _object(required: list[str], **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": required}


def _memory(required: list[str], **more: Schema) -> Schema:
    return _object(
        required,
        text=_text("The memory: one complete statement that is understood without the conversation."),
        memory_type=_text(
            "semantic: a lasting fact or preference. episodic: something that happened at a time.",
            enum=["episodic", "semantic"],
        ),
        topics=_list("What it is about, in a word or two each."),
        entities=_list("Names of the people, places and things in it."),
        **more,
    )


_EVENT_DATE = _text("When it happened, in ISO 8601, for an episodic memory: 2026-01-31T12:00:00Z.")

_TOOLS: Final[dict[str, tuple[str, Schema]]] = {
    TOOL_SEARCH_MEMORY: (
        (
            "Search long-term memory for what is known from earlier conversations. The answer holds their text and "
            "ids. Use it when an answer may depend on the user's facts, preferences or past."
        ),
        _object(
            ["query"],
            query=_text("What to look for, in plain words."),
            search_mode=_text(
                "semantic: by meaning. keyword: by words. hybrid: by both.",
                enum=["semantic", "keyword", "hybrid"],
                default="semantic",
            ),
            topics=_list("Only memories with any of these topics."),
            entities=_list("Only memories with any of these entities."),
            memory_type=_text("Only memories of this type.", enum=["episodic", "semantic", "message"]),
            max_results={
                "type": "integer",
                "minimum": 1,
                "maximum": 20,
                "default": 10,
                "description": "How many at most.",
            },
            offset={
                "type": "integer",
                "minimum": 0,
                "default": 0,
                "description": "How many to skip: next_offset of the page before.",
            },
            min_relevance={
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "description": "Least relevance, 0 to 1; semantic search only.",
            },
            user_id=_text("Only this user's memories; without effect where the user is known already."),
            optimize_query={
                "type": "boolean",
                "default": False,
                "description": "Whether the server may reword the query first.",
            },
        ),
    ),
    TOOL_GET_OR_CREATE_WORKING_MEMORY: (
        (
            "Read this conversation's working memory: how many messages there are, the memories, the data and "
            "the running summary."
        ),
        _object([]),
    ),
    TOOL_LAZILY_CREATE_LONG_TERM_MEMORY: (
        (
            "Remember something by adding it to this conversation's working memory, from which it becomes a long-term "
            "memory soon after."
        ),
        _memory(["text", "memory_type"]),
    ),
    TOOL_UPDATE_WORKING_MEMORY_DATA: (
        "Keep structured data for this conversation only, such as a plan or the state of a form.",
        _object(
            ["data"],
            data={"type": "object", "description": "The members to keep.", "additionalProperties": True},
            merge_strategy=_text(
                "merge: set these members. deep_merge: the same inside nested objects. replace: drop all others.",
                enum=["replace", "merge", "deep_merge"],
                default="merge",
            ),
        ),
    ),
    TOOL_GET_LONG_TERM_MEMORY: (
        "Read one long-term memory by its id.",
        _object(["memory_id"], memory_id=_text("The id, as a search gave it.")),
    ),
    TOOL_EAGERLY_CREATE_LONG_TERM_MEMORY: (
        "Remember one or more things in long-term memory at once; they are found by the next search.",
        _object(
            ["memories"],
            memories={
                "type": "array",
                "description": "The memories.",
                "items": _memory(["text", "memory_type"], event_date=_EVENT_DATE),
            },
        ),
    ),
    TOOL_EDIT_LONG_TERM_MEMORY: (
        "Correct a long-term memory. Search first for its id; give only what changes.",
        _memory(
            ["memory_id"],
            memory_id=_text("The id, as a search gave it."),
            namespace=_text("Move it to this namespace; without effect where the namespace is fixed."),
            user_id=_text("Move it to this user; without effect where the user is known."),
            session_id=_text("The conversation it belongs to."),
            event_date=_EVENT_DATE,
        ),
    ),
    TOOL_DELETE_LONG_TERM_MEMORIES: (
        "Forget long-term memories by their ids, when the user asks for it or when they are wrong.",
        _object(["memory_ids"], memory_ids=_list("The ids, as a search gave them.")),
    ),
    TOOL_GET_CURRENT_DATETIME: (
        "The date and time now, in UTC. Use it to turn words like yesterday into a date before remembering them.",
        _object([]),
    ),
}


def schema_of(name: str, schema_format: SchemaFormat) -> ToolSchema:
    """The schema of a tool in a provider's form."""
    description, parameters = _TOOLS[name]
    if schema_format == "anthropic":
        tool = {"name": name, "description": description, "input_schema": parameters}
        return ToolSchema(tool, "anthropic")
    function = {"name": name, "description": description, "parameters": parameters}
    return ToolSchema({"type": "function", "function": function}, "openai")


def all_schemas(schema_format: SchemaFormat) -> ToolSchemaCollection:
    """The schemas of all tools in a provider's form."""
    return ToolSchemaCollection([schema_of(name, schema_format) for name in _TOOLS])


TOOL_NAMES: Final = tuple(_TOOLS)
"""The names of all tools, in their order."""
