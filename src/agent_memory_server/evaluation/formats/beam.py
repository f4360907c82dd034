"""BEAM (Tavakoli et al. 2025), up to a million tokens: a user and an assistant, questions of ten kinds.

A folder for each conversation with `chat.json` (batches with `turns`: lists of messages with `id`, `role`, `content`,
`time_anchor`) and `probing_questions/probing_questions.json` (kind → questions with `source_chat_ids`), or a list of
rows of the published table, with `chat` and `probing_questions`. A conversation of ten million tokens numbers its
messages anew in each part, so that its evidence has no single meaning: such a one is refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
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
    sessions_of,
)

_MARK = re.compile(r"\s*->->\s*[\d,]+\s*$")
"""Where a message stands in the plan that it was written from ("->-> 1,2"): no part of what was said."""


def is_beam_rows(raw: Any) -> bool:
    """Whether a file's content is a list of rows of the published table."""
    return (
        isinstance(raw, list)
        and bool(raw)
        and isinstance(raw[0], dict)
        and {"chat", "probing_questions"} <= set(raw[0])
    )


def read_beam_rows(raw: list[dict[str, Any]], name: str) -> Corpus:
    """Raises: KeyError, TypeError, ValueError, InvalidRequest for what is missing or wrong."""
    rows = []
    for number, row in enumerate(raw):
        questions = row["probing_questions"]
        # The table holds them as a Python literal in a string.
        rows.append(
            (
                str(row.get("conversation_id", number)),
                row["chat"],
                ast.literal_eval(questions) if isinstance(questions, str) else questions,
            )
        )
    return read_beam(rows, name)


def read_beam(conversations: list[tuple[str, list[Any], dict[str, list[dict[str, Any]]]]], name: str) -> Corpus:
    """conversations: (id, content of `chat.json`, content of `probing_questions.json`).

    Raises: KeyError, TypeError, ValueError, InvalidRequest for what is missing or wrong.
    """
    talks = []
    queries: list[Query] = []
    for id_, chat, probing in conversations:
        talk = Conversation(id_, tuple(_session(batch, number) for number, batch in enumerate(chat)))
        talks.append(talk)
        queries += _queries(talk, probing)
    return checked_corpus(name, tuple(talks), tuple(queries))


def _session(batch: Any, number: int) -> TalkSession:
    messages = list(_messages(batch["turns"] if isinstance(batch, dict) else batch))
    anchor = next((message["time_anchor"] for message in messages if message.get("time_anchor")), None)
    start = session_start(anchor, number)
    turns = (
        Turn(str(m["id"]), str(m["role"]), _MARK.sub("", str(m["content"])), start + place * TURN_APART_S)
        for place, m in enumerate(messages)
    )
    return TalkSession(f"S{number + 1}", tuple(turns))


def _messages(turns: list[Any]) -> Iterator[dict[str, Any]]:
    for each in turns:
        if isinstance(each, list):
            yield from _messages(each)
        else:
            yield each


def _queries(talk: Conversation, probing: dict[str, list[dict[str, Any]]]) -> Iterator[Query]:
    known = {turn.id for session in talk.sessions for turn in session.turns}
    for kind, questions in probing.items():
        for number, each in enumerate(questions):
            evidence = frozenset(_ids(each.get("source_chat_ids"))) & known
            yield Query(
                f"{talk.id}_{kind}_{number}",
                talk.id,
                str(each["question"]),
                kind,
                evidence,
                sessions_of(talk, evidence),
            )


def _ids(written: Any) -> Iterator[str]:
    """All numbers of a value, which is a list of them, or an object of lists (the first statement, the second, …)."""
    if isinstance(written, dict):
        written = list(written.values())
    if isinstance(written, list):
        for each in written:
            yield from _ids(each)
    elif written is not None:
        yield str(written)
