"""REALTALK (Lee et al. 2025): messages of two people over weeks. One file for each pair, or a folder of them.

An object: `name`, `session_1` (`dia_id`, `speaker`, `clean_text`, `date_time`, `blip_caption`), `session_1_date_time`,
… and `qa` (`question`, `evidence`, `category`).
"""

from __future__ import annotations

from typing import Any

from agent_memory_server.evaluation.conversations import (
    TURN_APART_S,
    Corpus,
    Turn,
    checked_corpus,
    session_start,
    time_of,
    with_caption,
)
from agent_memory_server.evaluation.formats.talks import conversation_of, queries_of

_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "commonsense"}


def is_realtalk(raw: Any) -> bool:
    """Whether a file's content has this shape."""
    return isinstance(raw, dict) and "qa" in raw and "session_1" in raw


def read_realtalk(records: list[tuple[str, dict[str, Any]]], name: str) -> Corpus:
    """records: (name of the conversation, content of its file).

    Raises: KeyError, TypeError, ValueError, InvalidRequest for what is missing or wrong.
    """
    conversations = [conversation_of(title, raw, _turn) for title, raw in records]
    queries = [
        query
        for conversation, (_, raw) in zip(conversations, records, strict=True)
        for query in queries_of(conversation, raw["qa"], _CATEGORIES)
    ]
    return checked_corpus(name, tuple(conversations), tuple(queries))


def _turn(raw: dict[str, Any], session_time: str | None, place: int) -> Turn:
    own = time_of(raw.get("date_time"))
    time = session_start(session_time, 0) + place * TURN_APART_S if own is None else own
    text = with_caption(str(raw.get("clean_text") or ""), raw.get("blip_caption"))
    return Turn(str(raw["dia_id"]), str(raw["speaker"]), text, time)
