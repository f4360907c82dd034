"""Sessions and messages for the suites of `SessionStore`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from agent_memory_server.domain.memory import Memory, MemoryType
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.domain.session import Message, Session, SessionKey, Strategy, with_speakers
from agent_memory_server.ports.session_store import SessionStore

KEY = SessionKey("team", "ann", "s1")
NOW = 1_000.0


def message(id_: str, content: str = "", *, at: float = 1.0, **changes: Any) -> Message:
    return Message(id=id_, role="user", content=content or f"content of {id_}", created_at=at, **changes)


def messages(ids: Iterable[object]) -> tuple[Message, ...]:
    return tuple(message(str(id_), at=float(at)) for at, id_ in enumerate(ids))


def session(key: SessionKey = KEY, **changes: Any) -> Session:
    given = replace(Session(key=key, created_at=1.0, updated_at=2.0, last_accessed=3.0), **changes)
    return given if "speakers" in changes else replace(given, speakers=with_speakers((), given.messages))


def ids(of: Iterable[Message]) -> list[str]:
    return [each.id for each in of]


async def stored(sessions: SessionStore, key: SessionKey = KEY, *, now: float = NOW) -> Session:
    found = await sessions.get(EVERYWHERE, key, now=now)
    assert found is not None
    return found


FULL = session(
    messages=(
        message("m1", "first é ☃ \x00 '\"", persisted_at=5.5, discrete_memory_extracted=True),
        replace(message("m0", "second", at=0.5), role="assistant"),
    ),
    memories=(
        Memory(
            id="r1",
            text="likes tea",
            created_at=1.25,
            updated_at=2.5,
            last_accessed=3.0,
            namespace="team",
            user_id="ann",
            session_id="s1",
            memory_type=MemoryType.EPISODIC,
            topics=("tea", "a,b|c"),
            entities=("Ann",),
            persisted_at=4.0,
            event_date=0.0,
            pinned=True,
            access_count=3,
            memory_hash="h",
            discrete_memory_extracted=False,
            extraction_strategy="custom",
            extraction_strategy_config={"prompt": "x"},
            extracted_from=("m1",),
            metadata={"deep": {"list": [1, None, "é"]}},
            revision=7,
        ),
        Memory(id="r2", text="plain", created_at=1.0, updated_at=1.0, last_accessed=1.0),
    ),
    data={"a": {"b": [1, 2.5, None, True, "\x00é"]}},
    context="they spoke of tea",
    tokens=42,
    strategy=Strategy(name="custom", config={"prompt": "y", "n": 1}),
    ttl_seconds=60,
)
