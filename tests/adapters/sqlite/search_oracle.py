"""A store in plain Python that searches by comparing everything: what the engine's answers are checked against."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.filters import EVERYTHING, Filter, matches
from agent_memory_server.domain.fusion import SATURATION
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Mode, StoreQuery, Term
from agent_memory_server.domain.ranking import bm25
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.words import words

DIMENSIONS = 16
TEXTS = "apple pear plum cherry grape melon lemon fig date olive".split()
USERS = ("ann", "bob", "")
NAMESPACES = ("one", "two")
TOPICS = ("red", "green", "blue", "a,b")


def a_vector(chance: np.random.Generator) -> NDArray[np.float32]:
    vector = chance.standard_normal(DIMENSIONS)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def a_memory(chance: np.random.Generator, id_: str) -> Memory:
    text = " ".join(chance.choice(TEXTS, size=int(chance.integers(0, 9))))
    at = float(chance.integers(1, 100))
    return Memory(
        id=id_, text=text, created_at=at, updated_at=at, last_accessed=at,
        namespace=str(chance.choice(NAMESPACES)), user_id=str(chance.choice(USERS)),
        topics=tuple(str(topic) for topic in chance.choice(TOPICS, size=int(chance.integers(0, 3)), replace=False)),
    )  # fmt: skip


def count_of(term: Term, held: list[str]) -> int:
    size = len(term.words)
    return sum(tuple(held[i : i + size]) == term.words for i in range(len(held) - size + 1))


@dataclass(slots=True)
class Oracle:
    memories: dict[str, Memory] = field(default_factory=dict)
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def put(self, memory: Memory, vector: NDArray[np.float32] | None) -> None:
        self.memories[memory.id] = memory
        self.vectors.pop(memory.id, None)
        if vector is not None:
            self.vectors[memory.id] = vector

    def delete(self, id_: str) -> None:
        del self.memories[id_]
        self.vectors.pop(id_, None)

    def within(self, scope: Scope, filter_: Filter) -> list[Memory]:
        return [m for m in self.memories.values() if scope.allows(m.namespace, m.user_id) and matches(filter_, m)]

    def distances(self, scope: Scope, query: StoreQuery) -> dict[str, float]:
        assert query.vector is not None
        return {
            m.id: float(np.clip(1 - self.vectors[m.id] @ query.vector, 0, 2))
            for m in self.within(scope, query.filter)
            if m.id in self.vectors
        }

    def word_scores(self, scope: Scope, query: StoreQuery) -> dict[str, float]:
        """The statistics are those of everything in scope; namespace and user conditions narrow it, others do not."""
        place = {"namespace", "user_id"}
        narrowing = Filter(tuple(c for c in query.filter.conditions if getattr(c, "field", None) in place))
        held = {m.id: words(m.text) for m in self.within(scope, narrowing)}
        if not held or not query.terms:
            return {}
        counts = {id_: [count_of(term, one) for term in query.terms] for id_, one in held.items()}
        frequencies = [sum(row[i] > 0 for row in counts.values()) for i in range(len(query.terms))]
        mean = sum(map(len, held.values())) / len(held)
        wanted = [
            m.id
            for m in self.within(scope, query.filter)
            if any(counts[m.id])
            and all(n > 0 for n, term in zip(counts[m.id], query.terms, strict=True) if term.required)
        ]
        if not wanted:
            return {}
        scores = bm25(
            np.array([counts[id_] for id_ in wanted], np.float64),
            np.array([len(held[id_]) for id_ in wanted], np.float64),
            frequencies, len(held), mean, k1=SATURATION,
        )  # fmt: skip
        return dict(zip(wanted, scores.tolist(), strict=True))

    def fused(self, scope: Scope, query: StoreQuery) -> dict[str, float]:
        """Score by id; for at most ARM_DEPTH records, where no arm is cut."""
        by_words = self.word_scores(scope, query)
        by_distance = self.distances(scope, query)
        if any(term.required for term in query.terms):
            by_distance = {id_: d for id_, d in by_distance.items() if id_ in by_words}
        if not by_distance and not by_words:
            return {}
        most = max(by_words.values(), default=1.0)
        worded = {id_: score / most for id_, score in by_words.items()}
        low, high = min(by_distance.values(), default=0.0), max(by_distance.values(), default=0.0)
        values = {}
        for id_ in [*by_distance, *(id_ for id_ in by_words if id_ not in by_distance)]:
            word = worded.get(id_, 0.0)
            near = word
            if id_ in by_distance:
                near = (high - by_distance[id_]) / (high - low) if high > low else 1.0
            values[id_] = query.alpha * near + (1 - query.alpha) * word
        top = max(*values.values(), 1e-12)
        return {id_: value / top for id_, value in values.items()}


def whole(query: StoreQuery) -> StoreQuery:
    return replace(query, limit=1_000, offset=0)


__all__ = ["DIMENSIONS", "EVERYTHING", "Mode", "Oracle", "a_memory", "a_vector", "whole"]
