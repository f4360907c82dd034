"""Conversations with questions about them: the values, whatever file they come from (`files.load`)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import dateparser

from agent_memory_server.domain.errors import InvalidRequest

_FORMATS = (
    "%I:%M %p on %d %B, %Y",
    "%B-%d-%Y",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d",
    "%d.%m.%Y, %H:%M:%S",
    "%Y/%m/%d %H:%M",
)
_FALLBACK_START = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
_SESSION_APART_S = 86_400.0

TURN_APART_S = 30.0
"""Between two turns of a session where the file tells the session's time only."""


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
    """A question. evidence: ids of the turns that answer it; sessions: ids of the sessions that do. Without any, the
    conversation holds no answer, or the file does not say where. asked_at: Unix seconds from which on words like
    "yesterday" count, None for the time of the conversation's last turn."""

    id: str
    conversation: str
    question: str
    category: str
    evidence: frozenset[str]
    sessions: frozenset[str]
    asked_at: float | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """What should be remembered of a conversation. turns: ids of those that tell it, in their order; at least one."""

    id: str
    conversation: str
    text: str
    turns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A file's content. Turn ids are unique within a conversation; evidence names turns and sessions that exist."""

    name: str
    conversations: tuple[Conversation, ...]
    queries: tuple[Query, ...]
    facts: tuple[Fact, ...] = ()

    def facts_of(self, conversation: str) -> tuple[Fact, ...]:
        """Those of one conversation."""
        return tuple(fact for fact in self.facts if fact.conversation == conversation)


def checked_corpus(
    name: str, conversations: tuple[Conversation, ...], queries: tuple[Query, ...], facts: tuple[Fact, ...] = ()
) -> Corpus:
    """A corpus that keeps its promises. Raises: InvalidRequest, which names what does not."""
    _unique([conversation.id for conversation in conversations], "conversation")
    turns: dict[str, set[str]] = {}
    sessions: dict[str, set[str]] = {}
    for conversation in conversations:
        _unique([session.id for session in conversation.sessions], f"{conversation.id}: session")
        ids = [turn.id for session in conversation.sessions for turn in session.turns]
        _unique(ids, f"{conversation.id}: turn")
        turns[conversation.id] = set(ids)
        sessions[conversation.id] = {session.id for session in conversation.sessions}
    _unique([query.id for query in queries], "question")
    for query in queries:
        if query.conversation not in turns:
            raise InvalidRequest(f"question {query.id}: there is no conversation {query.conversation!r}")
        if unknown := query.evidence - turns[query.conversation]:
            raise InvalidRequest(f"question {query.id}: evidence {min(unknown)!r} is no turn of {query.conversation}")
        if unknown := query.sessions - sessions[query.conversation]:
            raise InvalidRequest(f"question {query.id}: {min(unknown)!r} is no session of {query.conversation}")
    _unique([fact.id for fact in facts], "fact")
    for fact in facts:
        if fact.conversation not in turns:
            raise InvalidRequest(f"fact {fact.id}: there is no conversation {fact.conversation!r}")
        if not fact.text.strip() or not fact.turns:
            raise InvalidRequest(f"fact {fact.id}: it needs a text, and evidence: the turns that tell it")
        if unknown := frozenset(fact.turns) - turns[fact.conversation]:
            raise InvalidRequest(f"fact {fact.id}: evidence {min(unknown)!r} is no turn of {fact.conversation}")
    return Corpus(name, conversations, queries, facts)


def _unique(ids: list[str], what: str) -> None:
    again = [id_ for id_, count in Counter(ids).items() if count > 1]
    if again:
        raise InvalidRequest(f"{what} {again[0]!r} occurs more than once")


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


def session_start(text: str | None, number: int) -> float:
    """The time of a session, or of a day of its own for the session at place `number` where the file tells none."""
    found = time_of(text)
    return _FALLBACK_START + number * _SESSION_APART_S if found is None else found


def with_caption(text: str, caption: str | None) -> str:
    """What a turn says, with what its picture shows."""
    return f"{text} [image: {caption}]".strip() if caption else text


def sessions_of(conversation: Conversation, evidence: frozenset[str]) -> frozenset[str]:
    """Ids of the sessions that hold these turns."""
    return frozenset(s.id for s in conversation.sessions if any(turn.id in evidence for turn in s.turns))
