"""Settings in, running application out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import NoReturn

import structlog

from agent_memory_server.adapters.plugged.load import load_store
from agent_memory_server.adapters.plugged.session_store import PluggedSessionStore
from agent_memory_server.adapters.providers.catalogue import context_tokens, embedding_dimensions
from agent_memory_server.adapters.providers.chat.open_chat import Addresses, Chats, opened_chats
from agent_memory_server.adapters.providers.encodings import TiktokenEncodings
from agent_memory_server.adapters.providers.open_embedder import LOCAL_NAMES, open_embedder
from agent_memory_server.adapters.providers.rerank.open_reranker import opened_reranker
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.compose.engine import USUAL_DIMENSIONS, Engine, Ports, now
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.stored_model import StoredModel
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.embedder import Embedder
from agent_memory_server.ports.jobs import Claims
from agent_memory_server.ports.memory_store import SupportsRestore
from agent_memory_server.ports.reranker import Reranker
from agent_memory_server.settings import Settings
from agent_memory_server.settings.memory import options_of
from agent_memory_server.telemetry import log as events

_OPENAI = "openai/"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opened:
    """An application, the engine below it, which upkeep needs, and the worker's side of its queue."""

    app: Application
    engine: Engine
    claims: Claims


class _NoEmbedder:
    """Stands where a command needs no embedding model: nothing is loaded, and a call is a mistake that shows."""

    def __init__(self, stored: StoredModel | None) -> None:
        self.model = stored.model if stored and stored.model else "none"
        self.dimensions = stored.dimensions if stored else USUAL_DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> NoReturn:
        """Refuse."""
        raise Unavailable(f"no embedding model was opened to embed {len(texts)} texts")

    async def close(self) -> None:
        """Nothing to release."""


@asynccontextmanager
async def application(settings: Settings, *, embedding: bool = True) -> AsyncIterator[Application]:
    """A running application on the engine of the settings, closed at the end; several processes may run one each.

    embedding: False opens no model, for work that embeds nothing and asks nothing.
    Raises: StartRefused (SettingsError among them), with the remedy.
    """
    async with opened(settings, embedding=embedding, claim=embedding) as running:
        yield running.app


@asynccontextmanager
async def opened(settings: Settings, *, embedding: bool, claim: bool, patient: bool = False) -> AsyncIterator[Opened]:
    """See `application`. claim: refuse a store whose vectors are of another model. patient: start also while the engine
    cannot be reached, and be ready when it can."""
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(_engine(settings, patient=patient))
        stored = await engine.stored_model()
        embedder: Embedder = _NoEmbedder(stored)
        if embedding:
            embedder = await _open_embedder(settings, engine, stored)
            stack.push_async_callback(embedder.close)
        await engine.prepare(StoredModel(embedder.model, embedder.dimensions), claim=claim)
        chats = Chats()
        reranker: Reranker | None = None
        if embedding:
            reranker = await stack.enter_async_context(opened_reranker(settings.rerank))
            chats = await stack.enter_async_context(
                opened_chats(settings.chat, addresses_of(settings), spending=engine.spending, clock=now)
            )
        ports = _plugged(engine.ports(embedder.dimensions), settings, embedder, stack)
        app = Application(
            memories=ports.memories,
            restoring=ports.restoring,
            sessions=ports.sessions,
            tokens=ports.tokens,
            answers=ports.answers,
            views=ports.views,
            decisions=ports.decisions,
            decision_log=ports.decision_log,
            jobs=ports.jobs,
            embedder=embedder,
            clock=now,
            chat=chats.generation,
            fast_chat=chats.fast,
            reranker=reranker,
            options=options_of(
                settings.memory,
                settings.sessions,
                settings.extraction,
                settings.queries,
                settings.rerank,
                settings.labels,
            ),
            context_sizes=context_tokens,
            encodings=TiktokenEncodings(settings.sessions.encodings_dir),
        )
        log.debug(events.OPENED, place=engine.place, model=embedder.model)
        yield Opened(app, engine, ports.claims)


def _engine(settings: Settings, *, patient: bool) -> AbstractAsyncContextManager[Engine]:
    """The engine that the settings choose. Of the two only that one is loaded."""
    if settings.redis.url is not None:
        from agent_memory_server.compose.redis_engine import redis_engine  # noqa: PLC0415 - see above

        return redis_engine(settings, patient=patient)
    from agent_memory_server.compose.sqlite_engine import sqlite_engine  # noqa: PLC0415 - see above

    return sqlite_engine(settings)


def _plugged(ports: Ports, settings: Settings, embedder: Embedder, stack: AsyncExitStack) -> Ports:
    """The ports, with a store of another package for long-term records where the settings name one. It is closed at the
    end, if it can be."""
    path = settings.plugged.factory
    if path is None:
        return ports
    memories = load_store(path, embedder)
    close = getattr(memories, "close", None)
    if callable(close):
        stack.push_async_callback(close)
    return replace(
        ports,
        memories=memories,
        restoring=memories if isinstance(memories, SupportsRestore) else None,
        sessions=PluggedSessionStore(ports.sessions, memories),
    )


def addresses_of(settings: Settings) -> Addresses:
    """Where services in OpenAI's wire format are."""
    shared = settings.embedding
    return Addresses(
        openai_base=shared.openai_api_base, openai_key=shared.openai_api_key, ollama_base=shared.ollama_api_base
    )


async def _open_embedder(settings: Settings, engine: Engine, stored: StoredModel | None) -> Embedder:
    # A model that runs here embeds a text in less time than a durable write takes.
    local = settings.embedding.model.casefold() in LOCAL_NAMES
    return await open_embedder(_as_stored(settings, stored), durable=None if local else engine.vectors)


def _as_stored(settings: Settings, stored: StoredModel | None) -> EmbeddingSettings:
    """The settings, with the dimensions of the stored vectors where nothing else tells them: a service that was used
    before need not be awake for the server to start."""
    asked = settings.embedding
    told = asked.dimensions or embedding_dimensions(asked.model)
    if told:
        return asked
    if stored is None or stored.model not in (asked.model, asked.model.removeprefix(_OPENAI)):
        return asked.model_copy(update={"dimensions": settings.redis.vector_dimensions})
    return asked.model_copy(update={"dimensions": stored.dimensions})
