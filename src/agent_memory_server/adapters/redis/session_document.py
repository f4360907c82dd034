"""Sessions as JSON documents, and back: the reference server's members, and one of our own, `agent_memory`.

It holds what the reference server's form cannot: `key` (digest of the session's parts, "" for a document that is under
no name of its session), `exact` and `order` (what the index looks for, and sorts by), `revision`, `count` and `known`
(messages, and distinct ids among them), exact times, `owed_since`, `expires_at`, `latest` (the latest time of a
message) and `ordered` (whether times never go back), `ttl`, `strategy` (JSON text), `extra` (JSON text of what JSON in
Redis would change), `held` (tokens of the messages; not there until somebody counted them), `window` (tokens that a
write named as the session's window), `outgrown_since`, `speakers` (JSON text). A document without it was written by
another server.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from agent_memory_server.adapters.redis.exact import token
from agent_memory_server.domain.bound import Bound
from agent_memory_server.domain.filters import TextField
from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy, with_speakers
from agent_memory_server.domain.tokens import tokens_of

OWN = "agent_memory"
SEEN = "seen"
"""The token of every document that has our member."""
KEPT = "kept"
"""The token of those that are under a name of their session."""
COUNTED = "counted"
"""The token of those of which `held` is known."""

HEAD_PATHS = ("$.agent_memory", "$.context", "$.tokens", "$.data", "$.memories")
_DEEP = 100  # Redis reads JSON of up to 128 levels
_LARGE = 2**63


def iso(seconds: float | None) -> str | None:
    """UTC, as the reference server writes times."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def unix(value: object, otherwise: float) -> float:
    """Unix seconds of ISO text or a number."""
    found = unix_or_none(value)
    return otherwise if found is None else found


def unix_or_none(value: object) -> float | None:
    """`unix`, where there is a readable time."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        at = datetime.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def message_json(message: Message) -> str:
    """A message as the document holds it."""
    return json.dumps(
        {
            "role": message.role,
            "content": message.content,
            "id": message.id,
            "created_at": iso(message.created_at),
            "persisted_at": iso(message.persisted_at),
            "discrete_memory_extracted": "t" if message.discrete_memory_extracted else "f",
        }
    )


def message_from(members: Mapping[str, Any], *, now: float = 0.0) -> Message:
    """A message of a document. now: for one without a time."""
    return Message(
        id=str(members["id"]),
        role=str(members.get("role", "")),
        content=str(members.get("content", "")),
        created_at=unix(members.get("created_at"), now),
        persisted_at=unix_or_none(members.get("persisted_at")),
        discrete_memory_extracted=members.get("discrete_memory_extracted") == "t",
    )


_TIMES = ("created_at", "updated_at", "last_accessed", "persisted_at", "event_date", "valid_from", "valid_until")
_LISTS = ("topics", "entities", "extracted_from")
_MAPPINGS = ("extraction_strategy_config", "metadata")
_ADDED = ("revision", "superseded_by", "superseded_because", "valid_from", "valid_until")
"""Members that the reference server does not have; written where they are not what a new record has."""
_DEFAULTS = {field.name: field.default for field in fields(Memory)}


def _memory_members(memory: Memory) -> dict[str, Any]:
    members = {field.name: getattr(memory, field.name) for field in fields(Memory)}
    members |= {name: iso(members[name]) for name in _TIMES}
    members |= {name: list(members[name]) for name in _LISTS}
    members |= {name: dict(members[name]) for name in _MAPPINGS}
    members |= {name: members[name] or None for name in ("namespace", "user_id", "session_id", "memory_hash")}
    members["memory_type"] = memory.memory_type.value
    members["discrete_memory_extracted"] = "t" if memory.discrete_memory_extracted else "f"
    return {name: value for name, value in members.items() if name not in _ADDED or value != _DEFAULTS[name]}


def _memory_from(members: Mapping[str, Any], now: float) -> Memory:
    found = {name: members[name] for name in _DEFAULTS if members.get(name) is not None}
    found |= {name: unix_or_none(members.get(name)) for name in _TIMES}
    for name in ("created_at", "updated_at", "last_accessed"):
        found[name] = now if found[name] is None else found[name]
    found |= {name: tuple(map(str, members.get(name) or ())) for name in _LISTS}
    found["id"] = str(members.get("id") or members.get("id_") or "")
    found["text"] = str(members.get("text") or "")
    found["memory_type"] = _kind(members.get("memory_type"))
    found["discrete_memory_extracted"] = members.get("discrete_memory_extracted") == "t"
    found["pinned"] = members.get("pinned") in (True, 1)
    return Memory(**found)


def _memories_from(members: Sequence[Mapping[str, Any]], now: float, extra: Mapping[str, Any]) -> tuple[Memory, ...]:
    found = [_memory_from(one, now) for one in members]
    if "times" not in extra:
        return tuple(found)
    pairs = zip(found, extra["times"], strict=True)
    return tuple(replace(memory, **dict(zip(_TIMES, times, strict=True))) for memory, times in pairs)


def _kind(value: object) -> MemoryType:
    try:
        return MemoryType(str(value))
    except ValueError:
        return MemoryType.SEMANTIC


def keeps(value: object, depth: int = 0) -> bool:
    """Whether JSON in Redis keeps a value as it is: it bounds the depth and the size of integers."""
    if isinstance(value, dict):
        return depth < _DEEP and all(keeps(one, depth + 1) for one in value.values())
    if isinstance(value, (list, tuple)):
        return depth < _DEEP and all(keeps(one, depth + 1) for one in value)
    return not isinstance(value, int) or -_LARGE <= value < _LARGE


def _extra(session: Session, memories: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the document would change. times: of memories that are no whole microseconds, as they are."""
    extra: dict[str, Any] = {}
    if session.data is None or not keeps(session.data):
        extra["data"] = None if session.data is None else dict(session.data)
    if not keeps(memories):
        extra["memories"] = memories
    times = [[getattr(memory, name) for name in _TIMES] for memory in session.memories]
    if any(unix_or_none(iso(time)) != time for row in times for time in row):
        extra["times"] = times
    return extra


@dataclass(frozen=True, slots=True)
class Document:
    """A session ready to be stored. text: the document but for our member and the closing brace; own: what our member
    takes over from the session, as words of a script (`put_session.lua`); of each message its id and whether it is
    unread."""

    text: str
    own: list[str]
    messages: list[str]


def exact_tokens(key: SessionKey, *, counted: bool = True) -> str:
    """What the index looks for. counted: whether the tokens of its messages are known."""
    parts = {
        TextField.NAMESPACE: key.namespace, TextField.USER_ID: key.user_id, TextField.SESSION_ID: key.session_id,
    }  # fmt: skip
    known = [SEEN, KEPT, COUNTED] if counted else [SEEN, KEPT]
    return ",".join([*known, *(token(field, value) for field, value in parts.items())])


def order_of(key: SessionKey) -> str:
    """Sorts like the namespace, user and session id in UTF-8."""
    return ".".join(part.encode().hex() for part in (key.namespace, key.user_id, key.session_id))


def key_of(order: bytes) -> SessionKey:
    """The key that `order_of` tells."""
    return SessionKey(*(bytes.fromhex(part).decode() for part in order.decode().split(".")))


def number(value: float | None) -> str:
    """A number as a word of a script, "" for none."""
    return "" if value is None else repr(value)


def bound_words(bound: Bound | None) -> list[str]:
    """A bound, or none, as the scripts take it."""
    return ["", "", ""] if bound is None else [number(bound.window), number(bound.otherwise), repr(bound.share)]


def roles_json(messages: Iterable[Message]) -> str:
    """The roles of messages, as `speakers` holds them."""
    return json.dumps(with_speakers((), messages))


def strategy_json(strategy: Strategy) -> str:
    """Equal for equal strategies."""
    return json.dumps({"strategy": strategy.name, "config": dict(strategy.config)}, sort_keys=True)


def message_words(messages: Iterable[Message]) -> list[str]:
    """Of each message its id and whether it is unread, as the scripts take them."""
    return [word for one in messages for word in (one.id, "0" if one.discrete_memory_extracted else "1")]


def run_of_times(messages: Sequence[Message]) -> list[str]:
    """The latest time among messages ("" for none), and whether times never go back."""
    times = [message.created_at for message in messages]
    ordered = all(one <= other for one, other in pairwise(times))
    return [number(max(times, default=None)), "1" if ordered else "0"]


def document_of(session: Session, *, now: float) -> Document:
    """The document of a session, whose time to live begins at `now`."""
    key = session.key
    memories = [_memory_members(memory) for memory in session.memories]
    extra = _extra(session, memories)
    strategy = strategy_json(session.strategy)
    members = {
        "memories": [] if "memories" in extra else memories,
        "context": session.context,
        "user_id": key.user_id or None,
        "tokens": session.tokens,
        "session_id": key.session_id,
        "namespace": key.namespace or None,
        "ttl_seconds": session.ttl_seconds,
        "data": {} if "data" in extra else dict(session.data or {}),
        "long_term_memory_strategy": json.loads(strategy) if keeps(dict(session.strategy.config)) else {},
        "last_accessed": int(session.last_accessed),
        "created_at": int(session.created_at),
        "updated_at": int(session.updated_at),
    }
    messages = ",".join(map(message_json, session.messages))
    text = f'{{"messages":[{messages}],{json.dumps(members)[1:-1]}'
    expires_at = None if session.ttl_seconds is None else now + session.ttl_seconds
    own = [
        exact_tokens(key), order_of(key), repr(session.created_at), repr(session.updated_at),
        repr(session.last_accessed), number(expires_at), number(session.ttl_seconds), strategy,
        json.dumps(extra) if extra else "", *run_of_times(session.messages), str(tokens_of(session.messages)),
        roles_json(session.messages),
    ]  # fmt: skip
    return Document(text, own, message_words(session.messages))


def head_from(key: SessionKey, text: bytes) -> Session:
    """A session without its messages, of the members at HEAD_PATHS."""
    found = {path: (values[0] if values else None) for path, values in json.loads(text).items()}
    own, context, tokens, data, memories = (found.get(path) for path in HEAD_PATHS)
    if own is None:
        raise ValueError("the document has no member of ours")
    extra = json.loads(own["extra"]) if own["extra"] else {}
    strategy = json.loads(own["strategy"])
    return Session(
        key=key,
        created_at=float(own["created_at"]),
        updated_at=float(own["updated_at"]),
        last_accessed=float(own["last_accessed"]),
        memories=_memories_from(extra.get("memories", memories) or (), own["updated_at"], extra),
        data=extra.get("data", data),
        context=context,
        tokens=tokens or 0,
        strategy=Strategy(name=strategy["strategy"], config=strategy["config"]),
        ttl_seconds=own.get("ttl"),
        revision=own["revision"],
        message_count=own["count"],
        owed_since=None if own.get("owed_since") is None else float(own["owed_since"]),
        outgrown_since=None if own.get("outgrown_since") is None else float(own["outgrown_since"]),
        speakers=tuple(json.loads(own.get("speakers") or "[]")),
        window=own.get("window"),
    )


def foreign_session(members: Mapping[str, Any], *, now: float) -> Session:
    """The session of a document that another server wrote: without our member, some members may be missing."""
    strategy = members.get("long_term_memory_strategy") or {}
    config = strategy.get("config")
    ttl_seconds = members.get("ttl_seconds")
    return Session(
        key=SessionKey(*(str(members.get(name) or "") for name in ("namespace", "user_id", "session_id"))),
        created_at=unix(members.get("created_at"), now),
        updated_at=unix(members.get("updated_at"), now),
        last_accessed=unix(members.get("last_accessed"), now),
        messages=tuple(message_from(one, now=now) for one in members.get("messages") or ()),
        memories=tuple(_memory_from(one, now) for one in members.get("memories") or ()),
        data=members.get("data") or {},
        context=members.get("context"),
        tokens=int(members.get("tokens") or 0),
        strategy=Strategy(
            name=str(strategy.get("strategy") or "discrete"), config=config if isinstance(config, dict) else {}
        ),
        ttl_seconds=int(ttl_seconds) if isinstance(ttl_seconds, (int, float)) else None,
    )
