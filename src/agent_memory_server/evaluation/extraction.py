"""What a server would remember of conversations, and how much of that is supported, said twice, or missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from agent_memory_server.domain.words import words
from agent_memory_server.evaluation.conversations import Conversation, Corpus, Turn
from agent_memory_server.evaluation.retrieval import Progress, Target, checked

TURNS_AT_ONCE = 20
SAME_WORDS = 0.8
"""Share of words in common (Jaccard) from which two memories of a conversation count as one said twice."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What would be remembered of a conversation. memories: (text, ids of its turns); reasons: why others were not."""

    conversation: str
    memories: tuple[tuple[str, tuple[str, ...]], ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtractionFigures:
    """Counts over all conversations.

    supported:   memories that would be stored: each names a turn and quotes it.
    unsupported: by reason, what was found and refused.
    duplicates:  supported ones that say what an earlier one of the same conversation says.
    evidence:    turns that answer a question of the file; missed: those of them that no memory comes from.
    """

    turns: int
    supported: int
    unsupported: Mapping[str, int]
    duplicates: int
    evidence: int
    missed: int


async def read_all(target: Target, corpus: Corpus, *, strategy: str, progress: Progress) -> list[Remembered]:
    """Ask the server what it would remember of each conversation. Nothing is remembered by it.

    Raises: Unavailable, when the server refuses or its model fails.
    """
    result = []
    for done, conversation in enumerate(corpus.conversations, 1):
        result.append(await _read(target, conversation, strategy))
        progress(f"extraction by {strategy}", done, len(corpus.conversations))
    return result


async def _read(target: Target, conversation: Conversation, strategy: str) -> Remembered:
    memories: list[tuple[str, tuple[str, ...]]] = []
    reasons: list[str] = []
    for session in conversation.sessions:
        said = [turn for turn in session.turns if turn.text.strip()]
        for start in range(0, len(said), TURNS_AT_ONCE):
            name = f"{conversation.id}-{session.id}-{start}"
            found = await _try(target, conversation.id, name, said[start : start + TURNS_AT_ONCE], strategy)
            memories += [(memory["text"], tuple(memory["extracted_from"])) for memory in found["memories"]]
            reasons += [refused["reason"] for refused in found["refused"]]
    return Remembered(conversation.id, tuple(memories), tuple(reasons))


async def _try(target: Target, user: str, session: str, turns: Sequence[Turn], strategy: str) -> dict[str, Any]:
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
    body = {"messages": messages, "long_term_memory_strategy": {"strategy": strategy}, **place}
    checked(await target.http.put(path, json=body))
    try:
        return checked(await target.http.post("/v1/long-term-memory/extract", json={"session_id": session, **place}))
    finally:
        # Before the server comes to read it in the background.
        checked(await target.http.delete(path, params=place))


def figures_of(corpus: Corpus, found: Sequence[Remembered]) -> ExtractionFigures:
    """The figures of what was found in a corpus."""
    sources = {(each.conversation, turn) for each in found for _, turns in each.memories for turn in turns}
    evidence = {(query.conversation, turn) for query in corpus.queries for turn in query.evidence}
    return ExtractionFigures(
        turns=sum(len(session.turns) for conversation in corpus.conversations for session in conversation.sessions),
        supported=sum(len(each.memories) for each in found),
        unsupported=dict(Counter(reason for each in found for reason in each.reasons)),
        duplicates=sum(_repeated([text for text, _ in each.memories]) for each in found),
        evidence=len(evidence),
        missed=len(evidence - sources),
    )


def _repeated(texts: Sequence[str]) -> int:
    seen: list[set[str]] = []
    count = 0
    for text in texts:
        said = set(words(text))
        count += any(len(said & other) >= SAME_WORDS * len(said | other) for other in seen)
        seen.append(said)
    return count


def extraction_data(corpus: Corpus, by_strategy: Mapping[str, Sequence[Remembered]]) -> dict[str, Any]:
    """The figures of a run as JSON-ready data."""
    strategies = {name: asdict(figures_of(corpus, found)) for name, found in by_strategy.items()}
    return {"corpus": corpus.name, "strategies": strategies}


def extraction_text(corpus: Corpus, by_strategy: Mapping[str, Sequence[Remembered]]) -> str:
    """The figures of a run as a table."""
    lines = [f"{corpus.name}:"]
    for name, found in by_strategy.items():
        value = figures_of(corpus, found)
        refused = sum(value.unsupported.values())
        lines += [
            f"{name}: {value.supported} memories out of {value.turns} turns, {value.duplicates} of them said twice",
            f"  refused: {refused}",
            *(f"    {count:>5}  {reason}" for reason, count in sorted(value.unsupported.items())),
            f"  turns that answer a question: {value.evidence}, without a memory: {value.missed}",
        ]
    return "\n".join(lines)
