"""Runs a corpus against a server through its REST API, as any client would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.evaluation.conversations import Conversation, Corpus, Query, TalkSession
from agent_memory_server.evaluation.figures import DEPTHS, Answered, ranks

_BATCH = 100
_STILL_LIMIT_S = 120.0
"""Without any progress of what is still to be embedded, waiting ends."""

_POLL_S = 0.1
DEPTH = max(DEPTHS)
_SEARCH = "/v1/long-term-memory/search"
_MOST_RESULTS = 100
"""Results among which the first DEPTH sessions are looked for: a session may fill the first page alone."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Ingested:
    """Turns stored, seconds until all were accepted, and until all were searchable by meaning."""

    turns: int
    accepted_s: float
    searchable_s: float


@dataclass(frozen=True, slots=True)
class Target:
    """Where to run: a client on the server's base URL, and a namespace of its own so that runs do not mix."""

    http: httpx2.AsyncClient
    namespace: str


def _session_id(conversation: str, session: str) -> str:
    return f"{conversation}-{session}"


def checked(response: httpx2.Response) -> dict[str, Any]:
    """The answer's body. Raises: Unavailable, for an error."""
    if response.is_error:
        raise Unavailable(f"the server answered {response.status_code} to {response.request.url.path}: {response.text}")
    body: dict[str, Any] = response.json()
    return body


async def _ingest_session(target: Target, conversation: Conversation, session: TalkSession) -> None:
    path = f"/v1/working-memory/{_session_id(conversation.id, session.id)}/messages"
    for start in range(0, len(session.turns), _BATCH):
        messages = [
            {
                "id": turn.id,
                "role": turn.speaker,
                "content": turn.text,
                "created_at": datetime.fromtimestamp(turn.time, UTC).isoformat(),
            }
            for turn in session.turns[start : start + _BATCH]
            if turn.text.strip()
        ]
        body = {"messages": messages, "namespace": target.namespace, "user_id": conversation.id}
        if messages:
            checked(await target.http.post(path, json=body))


async def ingest(target: Target, corpus: Corpus, progress: Progress) -> Ingested:
    """Store every turn as a message of its session, one user per conversation, and wait until all are searchable."""
    started = time.perf_counter()
    sessions = [(c, s) for c in corpus.conversations for s in c.sessions]
    for number, (conversation, session) in enumerate(sessions, start=1):
        await _ingest_session(target, conversation, session)
        progress("storing sessions", number, len(sessions))
    accepted = time.perf_counter() - started
    await _searchable(target)
    turns = sum(len(s.turns) for _, s in sessions)
    return Ingested(turns, accepted, time.perf_counter() - started)


async def _searchable(target: Target) -> None:
    """Wait until everything is embedded. Raises: TimeoutError, when that comes no further for two minutes."""
    before: list[str] = []
    while True:
        async with asyncio.timeout(_STILL_LIMIT_S):
            # The server is another process: there is nothing to wait on.
            while (owed := await _owed(target)) and owed == before:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
        if not owed:
            return
        before = owed


async def _owed(target: Target) -> list[str]:
    """What a search says it had to do without."""
    body = {"text": "anything", "namespace": {"eq": target.namespace}, "limit": 1}
    degraded: list[str] = checked(await target.http.post(_SEARCH, json=body)).get("degraded") or []
    return degraded


async def until_extracted(target: Target, corpus: Corpus, progress: Progress) -> None:
    """Wait until the server has read every message for memories, and these are searchable too.

    Raises: TimeoutError, when that comes no further for two minutes.
    """
    sessions = [(c, s) for c in corpus.conversations for s in c.sessions if any(t.text.strip() for t in s.turns)]
    for number, (conversation, session) in enumerate(sessions, start=1):
        async with asyncio.timeout(_STILL_LIMIT_S):
            while not await _is_read(target, conversation, session):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(_POLL_S)
        progress("reading memories out of sessions", number, len(sessions))
    await _searchable(target)


async def _is_read(target: Target, conversation: Conversation, session: TalkSession) -> bool:
    path = f"/v1/working-memory/{_session_id(conversation.id, session.id)}"
    place = {"namespace": target.namespace, "user_id": conversation.id}
    messages = checked(await target.http.get(path, params=place))["messages"]
    return all(message["discrete_memory_extracted"] == "t" for message in messages)


async def ask(target: Target, query: Query, *, mode: str, now: float) -> Answered:
    """Ask one question within its conversation's user. Timed is the first page, of DEPTH results.

    now: Unix seconds from which on words like "yesterday" count.
    """
    body: dict[str, Any] = {
        "text": query.question,
        "search_mode": mode,
        "namespace": {"eq": target.namespace},
        "user_id": {"eq": query.conversation},
        "limit": DEPTH,
        "recency_boost": False,
        "now": datetime.fromtimestamp(now, UTC).isoformat(),
    }
    started = time.perf_counter()
    response = await target.http.post(_SEARCH, json=body)
    seconds = time.perf_counter() - started
    page = checked(response)
    turns = [turn for memory in page["memories"] for turn in memory["extracted_from"] or [memory["id"]]]
    sessions = [memory["session_id"] for memory in page["memories"]]
    if len(set(sessions)) < DEPTH and page.get("next_offset"):
        rest = body | {"offset": page["next_offset"], "limit": _MOST_RESULTS - DEPTH}
        more = checked(await target.http.post(_SEARCH, json=rest))
        sessions += [memory["session_id"] for memory in more["memories"]]
    looked_for = frozenset(_session_id(query.conversation, session) for session in query.sessions)
    return Answered(query.id, query.category, ranks(turns, query.evidence), ranks(sessions, looked_for), seconds)


async def ask_all(target: Target, corpus: Corpus, *, mode: str, progress: Progress) -> list[Answered]:
    """Ask every question, one after the other."""
    answers = []
    ended = {c.id: max((turn.time for s in c.sessions for turn in s.turns), default=0.0) for c in corpus.conversations}
    for number, query in enumerate(corpus.queries, start=1):
        now = ended[query.conversation] if query.asked_at is None else query.asked_at
        answers.append(await ask(target, query, mode=mode, now=now))
        progress(f"asking ({mode})", number, len(corpus.queries))
    return answers
