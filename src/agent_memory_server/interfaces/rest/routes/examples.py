"""Examples of the API's description: one small story, told by every route. Each is checked against its model."""

from __future__ import annotations

from typing import Any, Final

from fastapi.openapi.models import Example

Members = dict[str, Any]

_TIME: Final = "2026-01-31T12:00:00Z"

RECORD: Final[Members] = {
    "id": "seat-preference",
    "text": "Ana prefers a window seat on long flights",
    "session_id": "chat-1",
    "user_id": "ana",
    "namespace": "travel",
    "last_accessed": _TIME,
    "created_at": _TIME,
    "updated_at": _TIME,
    "pinned": False,
    "access_count": 0,
    "topics": ["travel"],
    "entities": ["Ana"],
    "memory_hash": "b6f0c2d1a4a37e0bb7fb7d2b8c4d07d0b7a0b4d3d5ab2f8f9a7b1f2c3d4e5f60",
    "discrete_memory_extracted": "t",
    "memory_type": "semantic",
    "persisted_at": _TIME,
    "extracted_from": [],
    "event_date": None,
    "extraction_strategy": "discrete",
    "extraction_strategy_config": {},
    "metadata": {},
    "revision": 1,
}
RESULT: Final[Members] = {**RECORD, "dist": 0.21, "score": 0.79, "score_type": "semantic"}

_QUESTION: Final[Members] = {
    "id": "m1",
    "role": "user",
    "content": "Which seat should I take to Tokyo?",
    "created_at": _TIME,
}
_STORED_QUESTION: Final[Members] = {**_QUESTION, "persisted_at": _TIME, "discrete_memory_extracted": "f"}

SESSION: Final[Members] = {
    "messages": [_STORED_QUESTION],
    "memories": [],
    "data": {"destination": "Tokyo"},
    "context": None,
    "user_id": "ana",
    "tokens": 0,
    "session_id": "chat-1",
    "namespace": "travel",
    "long_term_memory_strategy": {"strategy": "discrete", "config": {}},
    "ttl_seconds": None,
    "last_accessed": _TIME,
    "created_at": _TIME,
    "updated_at": _TIME,
    "context_percentage_total_used": None,
    "context_percentage_until_summarization": None,
    "revision": 1,
}
APPENDED: Final[Members] = {
    "session_id": "chat-1",
    "namespace": "travel",
    "user_id": "ana",
    "revision": 2,
    "message_count": 1,
    "messages": [_STORED_QUESTION],
}
CREATED: Final[Members] = {"status": "ok", "items": [{"id": "seat-preference", "status": "created"}]}


def _text(role: str, text: str) -> Members:
    return {"role": role, "content": {"type": "text", "text": text, "annotations": None, "_meta": None}}


PROMPTED: Final[Members] = {
    "messages": [
        _text(
            "system",
            "## Long term memories related to the user's query\n "
            "- Ana prefers a window seat on long flights (ID: seat-preference)",
        ),
        _text("user", "Which seat should I take to Tokyo?"),
    ],
    "long_term_memories": [RESULT],
}


def _one(summary: str, value: Members) -> dict[str, Example]:
    return {"example": {"summary": summary, "value": value}}


_PLACE: Final[Members] = {"namespace": "travel", "user_id": "ana"}
PUT_SESSION: Final = _one("A session of one message", {"messages": [_QUESTION], **_PLACE})
APPEND: Final = _one("One more message", {"messages": [_QUESTION], **_PLACE})
CREATE: Final = _one(
    "One memory",
    {"memories": [{"id": "seat-preference", "text": RECORD["text"], "topics": ["travel"], **_PLACE}]},
)
EDIT: Final = _one("A new text", {"text": "Ana prefers an aisle seat on long flights"})
SEARCH: Final = _one(
    "By meaning and words, for one user",
    {
        "text": "which seat for a long flight",
        "search_mode": "hybrid",
        "namespace": {"eq": "travel"},
        "user_id": {"eq": "ana"},
        "limit": 5,
    },
)
PROMPT: Final = _one(
    "A session, and what fits the query",
    {
        "query": "Which seat should I take to Tokyo?",
        "session": {"session_id": "chat-1", **_PLACE},
        "long_term_search": {"namespace": {"eq": "travel"}, "limit": 5},
    },
)
FORGET: Final = _one(
    "Older than a year and unused for a month", {"policy": {"max_age_days": 365, "max_inactive_days": 30}}
)
DEAD_JOBS: Final = _one("Two jobs", {"ids": ["17", "18"]})

EXTRACT: Final[dict[str, Example]] = {
    "session": Example(summary="Try a session", value={"session_id": "chat-1", "namespace": "travel", "user_id": "ana"})
}
DECISIONS: Final[Members] = {
    "decisions": [
        {
            "id": "17",
            "at": "2026-11-20T09:30:00Z",
            "kind": "merge",
            "outcome": "done",
            "reason": "same",
            "decided_by": "rules",
            "namespace": "travel",
            "user_id": "ada",
            "session_id": None,
            "memory_ids": ["01K3A9DQ7Y8Z6V5T4S3R2Q1P0O"],
            "message_ids": [],
            "into": "01K3A9DQ7Y8Z6V5T4S3R2Q1P0N",
            "count": 1,
        }
    ],
    "counts": None,
    "next_cursor": None,
}
EXTRACTED: Final[Members] = {
    "memories": [RECORD],
    "refused": [{"message_id": "m4", "quote": "I love it!", "reason": "it points at something outside the sentence"}],
}
