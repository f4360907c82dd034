"""What an engine gives to the application that is composed on it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from agent_memory_server.domain.stored_model import StoredModel
from agent_memory_server.ports.decision_log import DecisionLog
from agent_memory_server.ports.decisions import Decisions
from agent_memory_server.ports.idempotency import IdempotencyStore
from agent_memory_server.ports.jobs import Claims, Jobs
from agent_memory_server.ports.memory_store import MemoryStore, SupportsRestore
from agent_memory_server.ports.session_store import SessionStore
from agent_memory_server.ports.spending import Spending
from agent_memory_server.ports.token_store import TokenStore
from agent_memory_server.ports.vector_cache import VectorCache
from agent_memory_server.ports.view_store import ViewStore

USUAL_DIMENSIONS = 384
"""Of the model that is the default."""


def now() -> float:
    """Whole microseconds, as the wire shows times: what a client echoes equals what is stored."""
    return round(time.time(), 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The stores and the queue of an engine, both sides."""

    memories: MemoryStore
    restoring: SupportsRestore | None
    sessions: SessionStore
    tokens: TokenStore
    answers: IdempotencyStore
    views: ViewStore
    decisions: Decisions
    decision_log: DecisionLog
    jobs: Jobs
    claims: Claims


class Engine(Protocol):
    """An open engine, before it is known which embedding model there is. Whoever opened it closes it."""

    @property
    def place(self) -> str:
        """Where the data is, for people, without secrets."""
        ...

    @property
    def spending(self) -> Spending:
        """What chat models have cost."""
        ...

    @property
    def vectors(self) -> VectorCache:
        """Vectors of texts embedded before."""
        ...

    async def stored_model(self) -> StoredModel | None:
        """The model of the stored vectors; None before the first claim, or when it cannot be asked now."""
        ...

    async def prepare(self, model: StoredModel, *, claim: bool) -> None:
        """See to it that the stores can work with vectors of this model. claim: note the model, or refuse it.

        Raises: StartRefused, when the stored vectors are of another one; Unavailable.
        """
        ...

    async def forget_vectors(self, model: StoredModel) -> int:
        """Drop all vectors and note the model of those to come; how many records are owed one then."""
        ...

    def ports(self, dimensions: int) -> Ports:
        """The stores and the queue."""
        ...
