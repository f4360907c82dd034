"""What a client sees of each tool: name, purpose, parameters, answer and hints.

Data only. It is read before anything else is loaded, so that a client has the list of tools at once. The words are
written for a model that has never seen these tools: when to use one, what good input looks like, one example.
`arguments` checks what is sent; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent_memory_server.interfaces.mcp import schema
from agent_memory_server.interfaces.mcp.schema import Schema
from agent_memory_server.interfaces.mcp.session_tools import APPEND, GET_SESSION, LIST_SESSIONS, PLACE, SET_SESSION
from agent_memory_server.interfaces.mcp.tool import Tool

_TYPES = ("semantic", "episodic", "message")
_MODES = schema.words("semantic", "keyword", "hybrid", default="semantic")
_FOUND = {"type": "array", "items": {"type": "object", "required": ["id", "text"]}}
_STATUS = schema.answer({"status": schema.text()}, "status")
_RECORD = schema.answer({"id": schema.text(), "text": schema.text()}, "id", "text")

_MEMORY: Schema = {
    "text": schema.text("One self-contained fact in plain words, with names instead of pronouns."),
    "memory_type": schema.words("semantic", "episodic", "message", default="semantic"),
    "topics": schema.texts(nullable=True),
    "entities": schema.texts(nullable=True),
    "event_date": schema.optional("string", "ISO 8601; for episodic memories, when it happened."),
    "user_id": schema.optional("string"),
    "namespace": schema.optional("string"),
    "session_id": schema.optional("string"),
    "id": schema.text(),
    "pinned": schema.flag(default=False),
    "metadata": {"type": "object"},
}

_FILTERS = (
    "Filters (session_id, namespace, user_id, topics, entities, memory_type{more}) take an exact value, a list (any of "
    'them), or conditions {{"eq","ne","any","all","startswith"}}; created_at, last_accessed and event_date take '
    '{{"gte","lt","gt","lte","eq","ne","between"}} with ISO 8601 times. All filters must hold; leave out what you do '
    "not know. The recency options rarely need a value."
)
_RANKING: Schema = {
    "topics": schema.text_filter(),
    "entities": schema.text_filter(),
    "created_at": schema.time_filter(),
    "last_accessed": schema.time_filter(),
    "user_id": schema.text_filter(),
    "memory_type": schema.text_filter(),
    "event_date": schema.time_filter(),
    "distance_threshold": schema.optional("number", "Semantic mode only: 0 (same) to 2; 0.5 is a close match."),
    "min_relevance": schema.optional("number", "0 to 1: leave out what is less likely to answer; try 0.3."),
    "limit": schema.integer(10, minimum=1, maximum=100),
    "offset": schema.integer(0, minimum=0),
    "optimize_query": schema.flag(default=False),
    "recency_boost": schema.optional("boolean"),
    "recency_semantic_weight": schema.optional("number"),
    "recency_recency_weight": schema.optional("number"),
    "recency_freshness_weight": schema.optional("number"),
    "recency_novelty_weight": schema.optional("number"),
    "recency_half_life_last_access_days": schema.optional("number"),
    "recency_half_life_created_days": schema.optional("number"),
    "server_side_recency": schema.optional("boolean"),
}

_CLOCK = Tool(
    name="get_current_datetime",
    title="Current date and time",
    description="The time now, in UTC. Call it before you turn words like yesterday or next week into dates.",
    answer=schema.answer({"iso_utc": schema.text(), "unix_ts": schema.integer()}, "iso_utc", "unix_ts"),
)

_CREATE = Tool(
    name="create_long_term_memories",
    title="Store memories",
    description=(
        "Store facts for later conversations: preferences, decisions, people, events, corrections. Call it when you "
        "learn something that will matter again, without being asked. One fact per memory, self-contained, absolute "
        "dates; no secrets. Known content is not stored twice.\n"
        'Example: {"memories":[{"text":"Maria prefers window seats on flights","topics":["travel"],'
        '"entities":["Maria"]}]}'
    ),
    parameters={"memories": schema.objects(_MEMORY, ["text"])},
    required=("memories",),
    answer=schema.answer({"status": schema.text(), "items": {"type": "array"}}, "status"),
    changes=True,
)

_SEARCH = Tool(
    name="search_long_term_memory",
    title="Search memories",
    description=(
        "Find stored memories. Call it before you answer anything that may depend on the user's preferences, history, "
        "people or earlier work, and before you say that you do not know. text is what you look for, in words as they "
        "may have been stored; null lists the newest. search_mode: semantic finds meaning, keyword exact names and "
        "codes, hybrid both. next_offset, when not null, is the offset of the next page.\n"
        + _FILTERS.format(more=", extraction_strategy")
        + '\nExample: {"text":"seat preference on flights","user_id":"maria","limit":5}'
    ),
    parameters={
        "text": schema.optional("string"),
        "search_mode": _MODES,
        "session_id": schema.text_filter(),
        "namespace": schema.text_filter(),
        "extraction_strategy": schema.text_filter(),
        "include_superseded": schema.flag(default=False, description="Also what is no longer so."),
        "as_of": schema.instant("ISO 8601: what was so then, as it was known."),
        **_RANKING,
    },
    required=("text",),
    answer=schema.answer(
        {"memories": _FOUND, "total": schema.integer(), "next_offset": schema.optional("integer")}, "memories", "total"
    ),
)

_PROMPT = Tool(
    name="memory_prompt",
    title="Prompt with memories",
    description=(
        "One call at the start of a turn: returns messages that hold the session's summary and messages, memories that "
        "fit the query, and the query. Use search_long_term_memory instead when you only need memories. session_id "
        "names the session to continue. model_name or context_window_max (tokens) cut old messages to fit. "
        'Filters are those of search_long_term_memory.\nExample: {"query":"Book my usual seat","session_id":"chat-42"}'
    ),
    parameters={
        "query": schema.text(),
        "session_id": schema.text_filter(),
        "namespace": schema.text_filter(),
        "model_name": schema.optional("string"),
        "context_window_max": schema.optional("integer"),
        "search_mode": _MODES,
        **_RANKING,
        "include_long_term_search": schema.flag(default=True),
    },
    required=("query",),
    answer=schema.answer({"messages": {"type": "array"}, "long_term_memories": schema.optional("array")}, "messages"),
)


_GET = Tool(
    name="get_long_term_memory",
    title="Read a memory",
    description='One memory by the id that a search gave.\nExample: {"memory_id":"01JC3ZQ8"}',
    parameters={"memory_id": schema.text()},
    required=("memory_id",),
    answer=_RECORD,
)

_EDIT = Tool(
    name="edit_long_term_memory",
    title="Change a memory",
    description=(
        "Correct or complete a memory: search for it, then give its id and only what changes. Use it when a stored "
        'fact is no longer true.\nExample: {"memory_id":"01JC3ZQ8","text":"Maria prefers aisle seats on flights"}'
    ),
    parameters={
        "memory_id": schema.text(),
        "text": schema.optional("string"),
        "topics": schema.texts(nullable=True),
        "entities": schema.texts(nullable=True),
        "memory_type": schema.words(*_TYPES, nullable=True),
        "namespace": schema.optional("string"),
        "user_id": schema.optional("string"),
        "session_id": schema.optional("string"),
        "event_date": {"type": ["string", "number", "null"], "description": "ISO 8601"},
        "pinned": schema.optional("boolean", "true: never forgotten by age."),
    },
    required=("memory_id",),
    answer=_RECORD,
    changes=True,
    destroys=True,
)

_DELETE = Tool(
    name="delete_long_term_memories",
    title="Delete memories",
    description=(
        "Delete memories for good, by id. Use it when the user asks to forget something: search first, show what you "
        'found, then delete.\nExample: {"memory_ids":["01JC3ZQ8"]}'
    ),
    parameters={"memory_ids": schema.texts()},
    required=("memory_ids",),
    answer=_STATUS,
    changes=True,
    destroys=True,
)

_COMPACT = Tool(
    name="compact_long_term_memories",
    title="Remove duplicate memories",
    description="Of memories with the same content keep one. Upkeep; call it only when asked to tidy up.",
    parameters={**PLACE, "session_id": schema.optional("string")},
    answer=_STATUS,
    changes=True,
    destroys=True,
)

TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        _CLOCK,
        _CREATE,
        _SEARCH,
        _PROMPT,
        SET_SESSION,
        APPEND,
        GET_SESSION,
        LIST_SESSIONS,
        _GET,
        _EDIT,
        _DELETE,
        _COMPACT,
    )
}
"""Every tool by its name, in the order of the list."""
