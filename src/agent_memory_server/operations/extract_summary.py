"""One summary record for each session whose strategy is `summary`, brought up to date as messages arrive.

Each time the former record and the new messages are read, never the whole conversation, so a turn costs the same in a
long session. The record has the session's own id: each version replaces the one before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from agent_memory_server.domain.digest import extract
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.fencing import DATA_RULE, fenced, fenced_lines
from agent_memory_server.domain.labels import cleaned, entities_in, topics_in
from agent_memory_server.domain.memory import Memory, hash_of
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, Session, SessionKey
from agent_memory_server.domain.strategies import SUMMARY_VERSION, SUMMARY_WORDS
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.parts import MOST_CHARS, MOST_PIECES, in_parts
from agent_memory_server.operations.reading import memory_id, part_of_the_conversation
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest
from agent_memory_server.ports.memory_store import MemoryWrite

TOPIC: Final = "thread-summary"
"""Among the topics of every summary record."""

_STRINGS = {"type": "array", "items": {"type": "string"}}
_MEMBERS = {"text": {"type": "string"}, "topics": _STRINGS, "entities": _STRINGS}
_SCHEMA: Final = {"type": "object", "properties": _MEMBERS, "required": list(_MEMBERS), "additionalProperties": False}
_INSTRUCTIONS = (
    "You keep the summary of a conversation, which is found again in later conversations. You are given the summary so "
    "far, where there is one, and the messages that follow. Answer with the new summary: what of the old one still "
    "matters, then what the messages add. It is understood alone: names for pronouns (the role user is called "
    '"User"), dates for "yesterday", counted from that message\'s time. Keep names, numbers, dates and decisions '
    "exactly, add nothing, write in the language of the conversation, at most {words} words."
)
_TOKENS_A_WORD = 1.5
_MOST_LABELS = 12


def summary_id(key: SessionKey) -> str:
    """The id of a session's summary record: as the reference server makes it, so that its records are continued."""
    place = f"{key.namespace}|{key.user_id}|{key.session_id}"
    return "thread_summary_" + hashlib.sha256(place.encode()).hexdigest()[:24]


def fingerprint(messages: Sequence[Message]) -> str:
    """SHA-256 (64 hex digits) of messages: joined by 0x1E, each id, time, role and content joined by 0x1F."""
    parts = ("\x1f".join((each.id, _iso(each.created_at), each.role, each.content)) for each in messages)
    return hashlib.sha256("\x1e".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


async def summary_of(app: Application, session: Session, messages: Sequence[Message], *, now: float) -> Memory | None:
    """The session's summary with these messages in it; None when it says them already, or they say nothing.

    session: the head. Raises: Unavailable, DeadlineExceeded, InvalidRequest (the model refuses the question).
    """
    former = await _former(app, session.key)
    known = set(former.metadata.get("source_message_ids", ())) if former else set()
    whole = await app.sessions.get(EVERYWHERE, session.key, now=now)
    if whole is None:
        return None
    present = {each.id for each in whole.messages}
    new = [each for each in messages if each.id in present and part_of_the_conversation(each)]
    seen = [each for each in whole.messages if each.id in known]
    if former and former.metadata.get("source_message_fingerprint") == fingerprint(seen):
        new = [each for each in new if each.id not in known]
    if not new:
        return None
    words = int(session.strategy.config.get("max_summary_length", SUMMARY_WORDS))
    if app.chat is None:
        said = _chosen(former, new, words)
    else:
        said = await _asked(app.chat, former, new, words)
    ids = known | {each.id for each in new}
    return _record(session, former, said, [each for each in whole.messages if each.id in ids], now)


def summary_write(memory: Memory, key: SessionKey) -> MemoryWrite:
    """The record as it is stored; under another id where another place has taken its own."""
    return MemoryWrite(memory=memory, fallback_id=_other_id(key))


def _other_id(key: SessionKey) -> str:
    return memory_id(key, "", TOPIC)


async def _former(app: Application, key: SessionKey) -> Memory | None:
    found = await app.memories.get(EVERYWHERE, [summary_id(key), _other_id(key)])
    own = (key.namespace, key.user_id, key.session_id)
    return next((each for each in found if (each.namespace, each.user_id, each.session_id) == own), None)


def _chosen(former: Memory | None, messages: Sequence[Message], words: int) -> dict[str, Any]:
    """Without a model: sentences word for word, under a heading that says so."""
    turns = [(each.role, each.content) for each in messages]
    text = extract(former.text if former else None, turns, budget_tokens=max(64, int(words * _TOKENS_A_WORD)))
    said = " ".join(content for _, content in turns)
    topics = dict.fromkeys((*topics_in(said), *(former.topics if former else ())))
    entities = dict.fromkeys((*entities_in(said), *(former.entities if former else ())))
    return {
        "text": text,
        "topics": list(topics)[:_MOST_LABELS],
        "entities": list(entities)[:_MOST_LABELS],
        "by": "rules",
    }


async def _asked(chat: ChatModel, former: Memory | None, messages: Sequence[Message], words: int) -> dict[str, Any]:
    said: dict[str, Any] = {"text": former.text if former else "", "topics": [], "entities": [], "by": chat.model}
    for part in in_parts(messages, MOST_CHARS, most=MOST_PIECES):
        answer = await chat.ask(_question(said["text"], part, words))
        if not answer.value["text"].strip():
            raise Unavailable("the chat model answered with an empty summary")
        labels = {name: [*said[name], *answer.value[name]] for name in ("topics", "entities")}
        said |= labels | {"text": answer.value["text"].strip()}
    return said


def _question(so_far: str, messages: Sequence[Message], words: int) -> ChatRequest:
    lines = [{"role": each.role, "time": _iso(each.created_at), "text": each.content[:MOST_CHARS]} for each in messages]
    parts = ([fenced("summary", so_far)] if so_far else []) + [fenced_lines("messages", lines)]
    return ChatRequest(
        purpose="extraction",
        instructions=f"{_INSTRUCTIONS.format(words=words)} {DATA_RULE}",
        text="\n".join(parts),
        schema=_SCHEMA,
        may_lack=frozenset({"topics", "entities"}),
        answer_tokens=max(256, min(4096, int(words * 2 * _TOKENS_A_WORD))),
    )


def _record(
    session: Session, former: Memory | None, said: dict[str, Any], covered: Sequence[Message], now: float
) -> Memory:
    config = session.strategy.config
    before = former.metadata.get("source_message_ids", ()) if former else ()
    sources = tuple(dict.fromkeys((*before, *(each.id for each in covered))))
    first, last = covered[0].created_at, covered[-1].created_at
    began = former.metadata.get("source_created_at_min", _iso(first)) if former else _iso(first)
    topics = {*cleaned(said["topics"]), *cleaned(config.get("topics", ())), TOPIC}
    memory = Memory(
        id=summary_id(session.key),
        text=said["text"],
        namespace=session.key.namespace,
        user_id=session.key.user_id,
        session_id=session.key.session_id,
        topics=tuple(sorted(topics)),
        entities=tuple(sorted(cleaned(said["entities"]))),
        created_at=former.created_at if former else first,
        updated_at=now,
        last_accessed=former.last_accessed if former else last,
        persisted_at=now,
        pinned=former.pinned if former else False,
        access_count=former.access_count if former else 0,
        extraction_strategy=session.strategy.name,
        extraction_strategy_config=config,
        extracted_from=sources,
        metadata={
            "extracted_by": said["by"],
            "source_session_id": session.key.session_id,
            "message_count": len(sources),
            "source_message_ids": list(sources),
            "source_created_at_min": min(began, _iso(first)),
            "source_created_at_max": _iso(last),
            "source_message_fingerprint": fingerprint(covered),
            "summary_version": config.get("summary_version", SUMMARY_VERSION),
        },
    )
    return replace(memory, memory_hash=hash_of(memory))


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat()
