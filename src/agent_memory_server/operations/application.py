"""The ports and options that every operation is given, in one frozen value."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from agent_memory_server.operations.beside_requests import Requests
from agent_memory_server.operations.options import Options
from agent_memory_server.operations.postponed import Postponed
from agent_memory_server.ports.chat_model import ChatModel
from agent_memory_server.ports.clock import Clock
from agent_memory_server.ports.decision_log import DecisionLog
from agent_memory_server.ports.decisions import Decisions
from agent_memory_server.ports.embedder import Embedder
from agent_memory_server.ports.encodings import Encodings
from agent_memory_server.ports.idempotency import IdempotencyStore
from agent_memory_server.ports.jobs import Jobs
from agent_memory_server.ports.memory_store import MemoryStore, SupportsRestore
from agent_memory_server.ports.reranker import Reranker
from agent_memory_server.ports.session_store import SessionStore
from agent_memory_server.ports.token_store import TokenStore
from agent_memory_server.ports.view_store import ViewStore


class Accesses:
    """Ids of memories that searches returned, gathered until upkeep writes them in one step."""

    def __init__(self, *, bound: int = 10_000) -> None:
        self._ids: dict[str, None] = {}
        self._bound = bound

    def note(self, ids: list[str]) -> None:
        """Remember ids; beyond the bound further ones are dropped (an access count is a hint, not a promise)."""
        if len(self._ids) < self._bound:
            self._ids.update(dict.fromkeys(ids))

    def take(self) -> list[str]:
        """All ids noted since the last call."""
        ids = list(self._ids)
        self._ids.clear()
        return ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A running application: what operations work on. Built by `compose`; interfaces and tests are given one.

    chat: answers questions of extraction and summaries; fast_chat: the small ones. None: there is no model, and the
        work is done by rules.
    decisions: answers of models, kept so that nothing is asked twice; decision_log: what came of them, for people.
    reranker: reads the first results of hybrid searches again, with the query. None: their order stays.
    restoring: the same store as `memories`, for taking records of another store. None: the engine cannot.
    stored: rung when a write leaves records that upkeep may have to label, or to compare with others.
    owed: rung when a write leaves an embedding to be done; who embeds, or queues it, waits for it.
    requests: when the last one came in. Doors tell; background work that takes time of the process asks.
    postponed: texts that this process left alone, as embedding them failed while others worked.
    context_sizes: context window in tokens of a model by its name; None for a name it does not know.
    encodings: count tokens exactly. None: they are estimated.
    """

    memories: MemoryStore
    sessions: SessionStore
    tokens: TokenStore
    answers: IdempotencyStore
    views: ViewStore
    decisions: Decisions
    decision_log: DecisionLog
    jobs: Jobs
    embedder: Embedder
    clock: Clock
    chat: ChatModel | None = None
    fast_chat: ChatModel | None = None
    reranker: Reranker | None = None
    restoring: SupportsRestore | None = None
    options: Options = field(default_factory=Options)
    context_sizes: Callable[[str], int | None] = lambda _model: None
    encodings: Encodings | None = None
    accesses: Accesses = field(default_factory=Accesses)
    owed: asyncio.Event = field(default_factory=asyncio.Event)
    stored: asyncio.Event = field(default_factory=asyncio.Event)
    requests: Requests = field(default_factory=Requests)
    postponed: Postponed = field(default_factory=Postponed)
