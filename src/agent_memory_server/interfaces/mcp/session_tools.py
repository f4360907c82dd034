"""The tools for conversations. Their words follow the rules of `catalogue`."""

from __future__ import annotations

from agent_memory_server.interfaces.mcp import schema
from agent_memory_server.interfaces.mcp.schema import Schema
from agent_memory_server.interfaces.mcp.tool import Tool

PLACE: Schema = {"user_id": schema.optional("string"), "namespace": schema.optional("string")}

_SESSION = schema.answer(
    {
        "session_id": schema.text(),
        "messages": {"type": "array"},
        "memories": {"type": "array"},
        "context": schema.optional("string"),
        "data": schema.optional("object"),
    },
    "session_id",
)
_MESSAGE: Schema = {
    "role": schema.text("user, assistant, system or tool"),
    "content": schema.text(),
    "created_at": schema.text("ISO 8601"),
    "id": schema.text(),
}

SET_SESSION = Tool(
    name="set_working_memory",
    title="Replace a session",
    description=(
        "Store the whole state of a conversation under session_id: messages, notes in data, a summary in context, "
        "facts in memories (they also become long-term memories). What you leave out is erased; to add messages use "
        'append_working_memory_messages.\nExample: {"session_id":"chat-42","data":{"step":"payment"},'
        '"messages":[{"role":"user","content":"Hello"}]}'
    ),
    parameters={
        "session_id": schema.text(),
        "memories": schema.objects(
            {"text": schema.text()}, ["text"], "As in create_long_term_memories.", nullable=True
        ),
        "messages": schema.objects(_MESSAGE, ["role", "content"], nullable=True),
        "context": schema.optional("string"),
        "data": schema.optional("object"),
        **PLACE,
        "ttl_seconds": schema.integer(3600, "Seconds until the session ends.", minimum=1),
        "long_term_memory_strategy": schema.optional(
            "object", 'How memories are extracted: {"strategy":"discrete|summary|preferences|custom","config":{}}'
        ),
    },
    required=("session_id",),
    answer=_SESSION,
    changes=True,
    destroys=True,
)

APPEND = Tool(
    name="append_working_memory_messages",
    title="Append messages to a session",
    description=(
        "Add the latest turns of a conversation behind what the session holds; makes the session when it is new. The "
        "messages can be searched at once.\n"
        'Example: {"session_id":"chat-42","messages":[{"role":"user","content":"I moved to Oslo"}]}'
    ),
    parameters={
        "session_id": schema.text(),
        "messages": schema.objects(_MESSAGE, ["role", "content"]),
        **PLACE,
        "ttl_seconds": schema.optional("integer", "null keeps what the session has."),
    },
    required=("session_id", "messages"),
    answer=schema.answer({"session_id": schema.text(), "message_count": schema.integer()}, "session_id"),
    changes=True,
    repeatable=False,
)

GET_SESSION = Tool(
    name="get_working_memory",
    title="Read a session",
    description=(
        "Messages, data and summary of a session. Use it to continue a conversation; an unknown session is an empty "
        "one. recent_messages_limit gives only the latest messages; try_extraction adds `extraction`: what would be "
        'remembered of the session, and what not and why, storing nothing.\nExample: {"session_id":"chat-42",'
        '"recent_messages_limit":20}'
    ),
    parameters={
        "session_id": schema.text(),
        **PLACE,
        "recent_messages_limit": schema.optional("integer"),
        "try_extraction": schema.flag(default=False),
    },
    required=("session_id",),
    answer=_SESSION,
)

LIST_SESSIONS = Tool(
    name="list_sessions",
    title="List sessions",
    description=(
        "Ids of stored conversations, oldest first. Use it when the user refers to an earlier conversation and you do "
        'not know its session_id.\nExample: {"user_id":"maria"}'
    ),
    parameters={
        **PLACE,
        "limit": schema.integer(20, minimum=1, maximum=100),
        "offset": schema.integer(0, minimum=0),
    },
    answer=schema.answer({"sessions": schema.texts(), "total": schema.integer()}, "sessions", "total"),
)
