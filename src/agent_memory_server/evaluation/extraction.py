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

Strategy = Mapping[str, Any]
"""As a session names it: `strategy`, and `config` with the `aim`."""

TURNS_AT_ONCE = 20
SAME_WORDS = 0.8
"""Share of words in common (Jaccard) from which two memories of a conversation count as one said twice."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A memory that would be stored. turns: ids of those it comes from; weak: not quoted word for word, or not said
    outright; read_by: a model's name, or `rules`."""

    text: str
    turns: tuple[str, ...]
    weak: bool
    read_by: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """What would be remembered of a conversation. memories: those that would be; reasons: why others would not."""

    conversation: str
    memories: tuple[Candidate, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtractionFigures:
    """Counts over all conversations.

    read_by:     models that found them, or `rules`.
    supported:   memories that would be stored: each names a turn and quotes it.
    weak:        those of them whose support is weak, which only the aim `recall` lets in.
    unsupported: by reason, what was found and refused.
    duplicates:  supported ones that say what an earlier one of the same conversation says.
    evidence:    turns that answer a question of the file; missed: those of them that no memory comes from.
    """

    turns: int
    read_by: tuple[str, ...]
    supported: int
    weak: int
    unsupported: Mapping[str, int]
    duplicates: int
    evidence: int
    missed: int


async def read_all(target: Target, corpus: Corpus, *, strategy: Strategy, progress: Progress) -> list[Remembered]:
    """Ask the server what it would remember of each conversation. Nothing is remembered by it.

    strategy: as a session names it, `strategy` and `config`.
    Raises: Unavailable, when the server refuses or its model fails.
    """
    result = []
    for done, conversation in enumerate(corpus.conversations, 1):
        result.append(await _read(target, conversation, strategy))
        progress(f"extraction by {title(strategy)}", done, len(corpus.conversations))
    return result


async def _read(target: Target, conversation: Conversation, strategy: Strategy) -> Remembered:
    memories: list[Candidate] = []
    reasons: list[str] = []
    for session in conversation.sessions:
        said = [turn for turn in session.turns if turn.text.strip()]
        for start in range(0, len(said), TURNS_AT_ONCE):
            name = f"{conversation.id}-{session.id}-{start}"
            found = await _try(target, conversation.id, name, said[start : start + TURNS_AT_ONCE], strategy)
            memories += map(_candidate, found["memories"])
            reasons += [refused["reason"] for refused in found["refused"]]
    return Remembered(conversation.id, tuple(memories), tuple(reasons))


def _candidate(raw: dict[str, Any]) -> Candidate:
    metadata = raw.get("metadata") or {}
    read_by = str(metadata.get("extracted_by", "unknown"))
    return Candidate(raw["text"], tuple(raw["extracted_from"]), metadata.get("support") == "weak", read_by)


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


def figures_of(corpus: Corpus, found: Sequence[Remembered]) -> ExtractionFigures:
    """The figures of what was found in a corpus."""
    sources = {(each.conversation, turn) for each in found for memory in each.memories for turn in memory.turns}
    evidence = {(query.conversation, turn) for query in corpus.queries for turn in query.evidence}
    return ExtractionFigures(
        turns=sum(len(session.turns) for conversation in corpus.conversations for session in conversation.sessions),
        read_by=tuple(sorted({memory.read_by for each in found for memory in each.memories})),
        supported=sum(len(each.memories) for each in found),
        weak=sum(memory.weak for each in found for memory in each.memories),
        unsupported=dict(Counter(reason for each in found for reason in each.reasons)),
        duplicates=sum(_repeated([memory.text for memory in each.memories]) for each in found),
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
        read_by = ", ".join(value.read_by) or "nobody"
        refused = sum(value.unsupported.values())
        kept = f"{value.supported} memories out of {value.turns} turns by {read_by}"
        lines += [
            f"{name}: {kept}, {value.weak} of them weakly supported, {value.duplicates} said twice",
            f"  refused: {refused}",
            *(f"    {count:>5}  {reason}" for reason, count in sorted(value.unsupported.items())),
            f"  turns that answer a question: {value.evidence}, without a memory: {value.missed}",
        ]
    return "\n".join(lines)
