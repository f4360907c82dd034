"""What LoCoMo and REALTALK share: members `session_1`, `session_1_date_time`, … and questions that name turns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from agent_memory_server.evaluation.conversations import Conversation, Query, TalkSession, Turn, sessions_of

_SESSION = re.compile(r"session_(\d+)")
_TURN_ID = re.compile(r"D:?(\d+):(\d+)")


def numbered_sessions(raw: Mapping[str, Any]) -> list[tuple[int, str | None, list[dict[str, Any]]]]:
    """(number, time, turns) of each session, in order."""
    numbers = sorted(int(found[1]) for name in raw if (found := _SESSION.fullmatch(name)) and raw[name])
    return [(n, raw.get(f"session_{n}_date_time"), raw[f"session_{n}"]) for n in numbers]


def conversation_of(
    name: str, raw: Mapping[str, Any], turn: Callable[[dict[str, Any], str | None, int], Turn]
) -> Conversation:
    """The sessions of a record. turn: makes one of (its record, the session's time, its place in the session)."""
    sessions = (
        TalkSession(f"S{number}", tuple(turn(each, time, place) for place, each in enumerate(turns)))
        for number, time, turns in numbered_sessions(raw)
    )
    return Conversation(name, tuple(sessions))


def queries_of(
    conversation: Conversation, qa: list[dict[str, Any]], categories: Mapping[int, str]
) -> tuple[Query, ...]:
    """The questions of a record, with those of their evidence that the conversation holds.

    Evidence is written as "D1:3", now and then several in one string, "D:1:3" or "D01:3".
    """
    known = {turn.id for session in conversation.sessions for turn in session.turns}
    queries = []
    for number, each in enumerate(qa):
        written = " ".join(map(str, each.get("evidence") or ()))
        evidence = frozenset(f"D{int(session)}:{int(turn)}" for session, turn in _TURN_ID.findall(written)) & known
        category = categories.get(each.get("category", 0), str(each.get("category", "all")))
        id_ = f"{conversation.id}_q{number}"
        sessions = sessions_of(conversation, evidence)
        queries.append(Query(id_, conversation.id, str(each["question"]), category, evidence, sessions))
    return tuple(queries)
