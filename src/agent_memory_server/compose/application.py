"""Settings in, running application out."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import apsw
import structlog

from agent_memory_server.adapters.providers.catalogue import context_tokens, embedding_dimensions
from agent_memory_server.adapters.providers.chat.open_chat import Addresses, Chats, opened_chats
from agent_memory_server.adapters.providers.open_embedder import LOCAL_NAMES, open_embedder
from agent_memory_server.adapters.providers.rerank.open_reranker import opened_reranker
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.adapters.sqlite.answers import SqliteIdempotencyStore
from agent_memory_server.adapters.sqlite.database import Database, DataFolder
from agent_memory_server.adapters.sqlite.decisions import SqliteDecisions
from agent_memory_server.adapters.sqlite.jobs import SqliteJobs
from agent_memory_server.adapters.sqlite.memory_store import SqliteMemoryStore
from agent_memory_server.adapters.sqlite.model import StoredModel, claim_model, stored_model
from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.adapters.sqlite.spending import SqliteSpending
from agent_memory_server.adapters.sqlite.tokens import SqliteTokenStore
from agent_memory_server.adapters.sqlite.vector_cache import SqliteVectorCache
from agent_memory_server.adapters.sqlite.view_store import SqliteViewStore
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.embedder import Embedder
from agent_memory_server.ports.jobs import Claims
from agent_memory_server.ports.reranker import Reranker
from agent_memory_server.settings import Settings
from agent_memory_server.settings.load import require_startable
from agent_memory_server.settings.memory import options_of
from agent_memory_server.telemetry import log as events

_USUAL_DIMENSIONS = 384
_OPENAI = "openai/"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opened:
    """An application, the database below it, which upkeep of the engine needs, and the worker's side of its queue."""

    app: Application
    database: Database
    claims: Claims


class _NoEmbedder:
    """Stands where a command needs no embedding model: nothing is loaded, and a call is a mistake that shows."""

    def __init__(self, stored: StoredModel | None) -> None:
        self.model = stored.model if stored else "none"
        self.dimensions = stored.dimensions if stored else _USUAL_DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> NoReturn:
        """Refuse."""
        raise Unavailable(f"no embedding model was opened to embed {len(texts)} texts")

    async def close(self) -> None:
        """Nothing to release."""


def _now() -> float:
    """Whole microseconds, as the wire shows times: what a client echoes equals what is stored."""
    return round(time.time(), 6)


@asynccontextmanager
async def application(settings: Settings, *, embedding: bool = True) -> AsyncIterator[Application]:
    """A running application on the data folder, closed at the end; several processes may run one on the same folder.

    embedding: False opens no model, for work that embeds nothing and asks nothing.
    Raises: StartRefused (SettingsError among them), with the remedy.
    """
    async with opened(settings, embedding=embedding, claim=embedding) as running:
        yield running.app


@asynccontextmanager
async def opened(settings: Settings, *, embedding: bool, claim: bool) -> AsyncIterator[Opened]:
    """See `application`. claim: refuse a folder whose vectors are of another model."""
    require_startable(settings)
    async with AsyncExitStack() as stack:
        database = await Database.open(folder_of(settings))
        stack.push_async_callback(database.close)
        stored = await database.read(stored_model)
        embedder: Embedder = _NoEmbedder(stored)
        if embedding:
            embedder = await _open_embedder(settings.embedding, database, stored)
            stack.push_async_callback(embedder.close)
        if claim:
            await database.write(partial(_claim, model=embedder.model, dimensions=embedder.dimensions))
        chats = Chats()
        reranker: Reranker | None = None
        if embedding:
            reranker = await stack.enter_async_context(opened_reranker(settings.rerank))
            chats = await stack.enter_async_context(
                opened_chats(settings.chat, addresses_of(settings), spending=SqliteSpending(database), clock=_now)
            )
        search = SearchSettings(dimensions=embedder.dimensions, cache_mb=settings.storage.vector_cache_mb)
        jobs = SqliteJobs(database)
        memories = SqliteMemoryStore(database, Searcher(search))
        app = Application(
            memories=memories,
            restoring=memories,
            sessions=SqliteSessionStore(database),
            tokens=SqliteTokenStore(database),
            answers=SqliteIdempotencyStore(database),
            views=SqliteViewStore(database),
            decisions=SqliteDecisions(database),
            jobs=jobs,
            embedder=embedder,
            clock=_now,
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
        )
        log.debug(events.OPENED, folder=str(settings.storage.data_dir), model=embedder.model)
        yield Opened(app, database, jobs)


def addresses_of(settings: Settings) -> Addresses:
    """Where services in OpenAI's wire format are."""
    shared = settings.embedding
    return Addresses(
        openai_base=shared.openai_api_base, openai_key=shared.openai_api_key, ollama_base=shared.ollama_api_base
    )


def folder_of(settings: Settings) -> DataFolder:
    """The data folder that the settings name."""
    # The dimensions only choose the page size of a new file; the embedder's own are claimed when it is open.
    dimensions = settings.embedding.dimensions or embedding_dimensions(settings.embedding.model) or _USUAL_DIMENSIONS
    return DataFolder(path=settings.storage.data_dir, dimensions=dimensions, durability=settings.storage.durability)


async def _open_embedder(settings: EmbeddingSettings, database: Database, stored: StoredModel | None) -> Embedder:
    # A model that runs here embeds a text in less time than a durable write takes.
    local = settings.model.casefold() in LOCAL_NAMES
    return await open_embedder(_as_stored(settings, stored), durable=None if local else SqliteVectorCache(database))


def _as_stored(settings: EmbeddingSettings, stored: StoredModel | None) -> EmbeddingSettings:
    """The settings, with the dimensions of the stored vectors where nothing else tells them: a service that was used
    before need not be awake for the server to start."""
    told = settings.dimensions or embedding_dimensions(settings.model)
    if told or stored is None or stored.model not in (settings.model, settings.model.removeprefix(_OPENAI)):
        return settings
    return settings.model_copy(update={"dimensions": stored.dimensions})


def _claim(connection: apsw.Connection, *, model: str, dimensions: int) -> None:
    claim_model(connection, model, dimensions)
