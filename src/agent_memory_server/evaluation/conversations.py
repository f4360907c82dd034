"""Conversations with questions about them, read from a JSON file.

The file holds `conversations`: id, speakers, sessions (id, ts, turns: id, speaker, text, caption, ts), and
`queries`: conv, question, category, evidence (ids of the turns that hold the answer).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dateparser

from agent_memory_server.domain.errors import InvalidRequest

_FORMATS = ("%I:%M %p on %d %B, %Y", "%B-%d-%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
_FALLBACK_START = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
_SESSION_APART_S = 86_400.0
_TURN_APART_S = 30.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. time: Unix seconds."""

    id: str
    speaker: str
    text: str
    time: float


@dataclass(frozen=True, slots=True)
class TalkSession:
    """Turns in their order."""

    id: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """All sessions of one pair of speakers."""

    id: str
    sessions: tuple[TalkSession, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A question, and the ids of the turns that answer it; no evidence: the conversation holds no answer."""

    conversation: str
    question: str
    category: str
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A file's content."""

    name: str
    conversations: tuple[Conversation, ...]
    queries: tuple[Query, ...]


def time_of(text: str | None) -> float | None:
    """Unix seconds of a time as conversation files write it ("1:56 pm on 8 May, 2023"); None when it cannot be read."""
    if not text:
        return None
    for format_ in _FORMATS:
        try:
            return datetime.strptime(text, format_).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    parsed = dateparser.parse(text, languages=["en"], settings={"TIMEZONE": "UTC", "RETURN_AS_TIMEZONE_AWARE": True})
    return parsed.timestamp() if parsed else None


def _turn(raw: dict[str, Any], time: float) -> Turn:
    text = str(raw["text"])
    caption = raw.get("caption")
    return Turn(str(raw["id"]), str(raw["speaker"]), f"{text} [image: {caption}]" if caption else text, time)


def _session(raw: dict[str, Any], number: int) -> TalkSession:
    start = time_of(raw.get("ts")) or _FALLBACK_START + number * _SESSION_APART_S
    turns = tuple(_turn(turn, start + index * _TURN_APART_S) for index, turn in enumerate(raw["turns"]))
    return TalkSession(str(raw["id"]), turns)


def load(path: Path) -> Corpus:
    """Read a file. Raises: InvalidRequest, which names what is missing or wrong."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        conversations = tuple(
            Conversation(str(c["id"]), tuple(_session(s, n) for n, s in enumerate(c["sessions"])))
            for c in raw["conversations"]
        )
        queries = tuple(
            Query(
                str(q["conv"]),
                str(q["question"]),
                str(q.get("category", "all")),
                frozenset(map(str, q.get("evidence", ()))),
            )
            for q in raw["queries"]
        )
    except OSError as exc:
        raise InvalidRequest(f"{path} cannot be read: {exc.strerror}") from exc
    except KeyError as exc:
        raise InvalidRequest(f"{path} is not a conversation file: a member {exc} is missing") from exc
    except (ValueError, TypeError, AttributeError) as exc:
        raise InvalidRequest(f"{path} is not a conversation file: {exc}") from exc
    return Corpus(str(raw.get("name", path.stem)), conversations, queries)
