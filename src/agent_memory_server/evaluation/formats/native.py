"""The format of our own files.

An object with `conversations`: id, sessions (id, ts, turns: id, speaker, text, caption), and `queries`: conv, question,
category, evidence (ids of turns), and optionally id, evidence_sessions and asked_at (a time). Instead of questions, or
beside them, `facts`: conv, text, evidence (ids of turns), and optionally id: what should be remembered.
"""

from __future__ import annotations

from typing import Any

from agent_memory_server.evaluation.conversations import (
    TURN_APART_S,
    Conversation,
    Corpus,
    Fact,
    Query,
    TalkSession,
    Turn,
    checked_corpus,
    session_start,
    sessions_of,
    time_of,
    with_caption,
)


def is_native(raw: Any) -> bool:
    """Whether a file's content has this shape."""
    return isinstance(raw, dict) and "conversations" in raw


def read_native(raw: dict[str, Any], name: str) -> Corpus:
    """Raises: KeyError, TypeError, ValueError, InvalidRequest for what is missing or wrong."""
    conversations = tuple(
        Conversation(str(c["id"]), tuple(_session(s, n) for n, s in enumerate(c["sessions"])))
        for c in raw["conversations"]
    )
    by_id = {conversation.id: conversation for conversation in conversations}
    given = raw["queries"] if "facts" not in raw else raw.get("queries", [])
    queries = tuple(_query(q, n, by_id) for n, q in enumerate(given))
    facts = tuple(_fact(f, n) for n, f in enumerate(raw.get("facts", [])))
    return checked_corpus(str(raw.get("name", name)), conversations, queries, facts)


def _fact(raw: dict[str, Any], number: int) -> Fact:
    return Fact(str(raw.get("id", number)), str(raw["conv"]), str(raw["text"]), tuple(map(str, raw["evidence"])))


def _session(raw: dict[str, Any], number: int) -> TalkSession:
    start = session_start(raw.get("ts"), number)
    turns = (_turn(turn, start + index * TURN_APART_S) for index, turn in enumerate(raw["turns"]))
    return TalkSession(str(raw["id"]), tuple(turns))


def _turn(raw: dict[str, Any], time: float) -> Turn:
    return Turn(str(raw["id"]), str(raw["speaker"]), with_caption(str(raw["text"]), raw.get("caption")), time)


def _query(raw: dict[str, Any], number: int, conversations: dict[str, Conversation]) -> Query:
    name = str(raw["conv"])
    evidence = frozenset(map(str, raw.get("evidence") or ()))
    sessions = frozenset(map(str, raw.get("evidence_sessions") or ()))
    if not sessions and name in conversations:
        sessions = sessions_of(conversations[name], evidence)
    category = str(raw.get("category", "all"))
    asked_at = time_of(raw.get("asked_at"))
    return Query(str(raw.get("id", number)), name, str(raw["question"]), category, evidence, sessions, asked_at)
