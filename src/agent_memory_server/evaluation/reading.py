"""What a server would remember of conversations: asked portion by portion, stored nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agent_memory_server.domain.digest import HEADING
from agent_memory_server.evaluation.conversations import Conversation, Corpus, Turn
from agent_memory_server.evaluation.retrieval import Progress, Target, checked

Strategy = Mapping[str, Any]
"""As a session names it: `strategy`, and `config`."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")

TURNS_AT_ONCE = 20
SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Claim:
    """A memory that would be stored; of a summary, one of its sentences.

    turns: ids of the turns it names as its source; of a summary's sentence, of all turns that were summarized.
    weak: not quoted word for word, or not said outright. read_by: a model's name, or `rules`.
    """

    text: str
    turns: tuple[str, ...]
    weak: bool
    read_by: str


@dataclass(frozen=True, slots=True)
class Portion:
    """What was read out of some turns of a session. reasons: why what else was found would not be stored."""

    conversation: str
    session: str
    turns: tuple[Turn, ...]
    claims: tuple[Claim, ...]
    reasons: tuple[str, ...]


async def read_all(target: Target, corpus: Corpus, *, strategy: Strategy, progress: Progress) -> list[Portion]:
    """Ask the server what it would remember of each conversation. Nothing is remembered by it.

    strategy: as a session names it, `strategy` and `config`.
    Raises: Unavailable, when the server refuses or its model fails.
    """
    result: list[Portion] = []
    for done, conversation in enumerate(corpus.conversations, 1):
        result += await _read(target, conversation, strategy)
        progress(f"extraction by {title(strategy)}", done, len(corpus.conversations))
    return result


async def _read(target: Target, conversation: Conversation, strategy: Strategy) -> list[Portion]:
    portions: list[Portion] = []
    for session in conversation.sessions:
        said = [turn for turn in session.turns if turn.text.strip()]
        for start in range(0, len(said), TURNS_AT_ONCE):
            name = f"{conversation.id}-{session.id}-{start}"
            turns = tuple(said[start : start + TURNS_AT_ONCE])
            found = await _try(target, conversation.id, name, turns, strategy)
            claims = tuple(claim for raw in found["memories"] for claim in _claims(raw, strategy))
            reasons = tuple(refused["reason"] for refused in found["refused"])
            portions.append(Portion(conversation.id, session.id, turns, claims, reasons))
    return portions


def _claims(raw: dict[str, Any], strategy: Strategy) -> list[Claim]:
    metadata = raw.get("metadata") or {}
    weak = metadata.get("support") == "weak"
    sources, read_by = tuple(raw["extracted_from"] or ()), str(metadata.get("extracted_by", "unknown"))
    texts = _sentences(raw["text"]) if strategy["strategy"] == SUMMARY else [raw["text"]]
    return [Claim(text, sources, weak, read_by) for text in texts]


def _sentences(summary: str) -> list[str]:
    """The sentences of a summary; of an extract, its lines."""
    above, found, below = summary.partition(HEADING)
    lines = [line.removeprefix("- ") for line in below.splitlines() if line.strip()] if found else []
    return [*(part.strip() for part in _SENTENCE_END.split(above) if part.strip()), *lines]


async def _try(target: Target, user: str, session: str, turns: Sequence[Turn], strategy: Strategy) -> dict[str, Any]:
    path = f"/v1/working-memory/{session}"
    place = {"namespace": target.namespace, "user_id": user}
    messages = [
        {
            "id": turn.id,
            "role": turn.speaker,
            "content": turn.text,
            "created_at": datetime.fromtimestamp(turn.time, UTC).isoformat(),
        }
        for turn in turns
    ]
    body = {"messages": messages, "long_term_memory_strategy": dict(strategy), **place}
    checked(await target.http.put(path, json=body))
    try:
        return checked(await target.http.post("/v1/long-term-memory/extract", json={"session_id": session, **place}))
    finally:
        # Before the server comes to read it in the background.
        checked(await target.http.delete(path, params=place))


def title(strategy: Strategy) -> str:
    """What a strategy is called in results: its name, with its aim where it has one."""
    aim = strategy.get("config", {}).get("aim")
    return f"{strategy['strategy']}/{aim}" if aim else str(strategy["strategy"])
