"""LongMemEval (Wu et al. 2025, `longmemeval_s.json`, `_m`, `_oracle`): a user and an assistant, a history per question.

A list of records: `question_id`, `question`, `question_type`, `haystack_session_ids`, `haystack_dates`,
`haystack_sessions` (lists of `role`, `content`, `has_answer`) and `answer_session_ids`.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from agent_memory_server.evaluation.conversations import (
    TURN_APART_S,
    Conversation,
    Corpus,
    Query,
    TalkSession,
    Turn,
    checked_corpus,
    session_start,
    time_of,
)

_WEEKDAY = re.compile(r"\s*\([A-Za-z]+\)")
_NO_ANSWER = "_abs"


def is_longmemeval(raw: Any) -> bool:
    """Whether a file's content has this shape."""
    return isinstance(raw, list) and bool(raw) and isinstance(raw[0], dict) and "haystack_sessions" in raw[0]


def read_longmemeval(raw: list[dict[str, Any]], name: str) -> Corpus:
    """Each question's history is a conversation of its own, named by the question's id; a turn is session:place.

    Raises: KeyError, TypeError, ValueError, InvalidRequest for what is missing or wrong.
    """
    read = [_record(record) for record in raw]
    return checked_corpus(name, tuple(conversation for conversation, _ in read), tuple(query for _, query in read))


def _record(raw: dict[str, Any]) -> tuple[Conversation, Query]:
    name = str(raw["question_id"])
    sessions = []
    evidence = set()
    seen: Counter[str] = Counter()
    for number, (written, date, turns) in enumerate(
        zip(raw["haystack_session_ids"], raw["haystack_dates"], raw["haystack_sessions"], strict=True)
    ):
        seen[written] += 1
        id_ = str(written) if seen[written] == 1 else f"{written}#{seen[written]}"
        sessions.append(_session(id_, session_start(_WEEKDAY.sub("", str(date)), number), turns))
        evidence |= {f"{id_}:{place}" for place, turn in enumerate(turns) if turn.get("has_answer")}
    category = str(raw["question_type"])
    answers = frozenset(map(str, raw["answer_session_ids"])) & {session.id for session in sessions}
    if name.endswith(_NO_ANSWER):
        category, answers, evidence = "abstention", frozenset(), set()
    asked_at = time_of(_WEEKDAY.sub("", str(raw.get("question_date") or "")))
    query = Query(name, name, str(raw["question"]), category, frozenset(evidence), answers, asked_at)
    return Conversation(name, tuple(sessions)), query


def _session(id_: str, start: float, turns: list[dict[str, Any]]) -> TalkSession:
    said = (
        Turn(f"{id_}:{place}", str(turn["role"]), str(turn["content"]), start + place * TURN_APART_S)
        for place, turn in enumerate(turns)
    )
    return TalkSession(id_, tuple(said))
