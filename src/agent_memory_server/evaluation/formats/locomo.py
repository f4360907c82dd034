"""LoCoMo (Maharana et al. 2024, `locomo10.json`): two people, many sessions, questions of five kinds.

A list of records: `sample_id`, `conversation` (`session_1` with `dia_id`, `speaker`, `text`, `blip_caption`;
`session_1_date_time`; …) and `qa` (`question`, `evidence`, `category`).
"""

from __future__ import annotations

from typing import Any

from agent_memory_server.evaluation.conversations import (
    TURN_APART_S,
    Corpus,
    Query,
    Turn,
    checked_corpus,
    session_start,
    with_caption,
)
from agent_memory_server.evaluation.formats.talks import conversation_of, queries_of

_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}


def is_locomo(raw: Any) -> bool:
    """Whether a file's content has this shape."""
    return isinstance(raw, list) and bool(raw) and isinstance(raw[0], dict) and {"conversation", "qa"} <= set(raw[0])


def read_locomo(raw: list[dict[str, Any]], name: str) -> Corpus:
    """Raises: KeyError, TypeError, ValueError, InvalidRequest for what is missing or wrong."""
    conversations = []
    queries: list[Query] = []
    for number, record in enumerate(raw):
        conversation = conversation_of(str(record.get("sample_id", number)), record["conversation"], _turn)
        conversations.append(conversation)
        queries += queries_of(conversation, record["qa"], _CATEGORIES)
    return checked_corpus(name, tuple(conversations), tuple(queries))


def _turn(raw: dict[str, Any], session_time: str | None, place: int) -> Turn:
    time = session_start(session_time, 0) + place * TURN_APART_S
    return Turn(str(raw["dia_id"]), str(raw["speaker"]), with_caption(str(raw["text"]), raw.get("blip_caption")), time)
