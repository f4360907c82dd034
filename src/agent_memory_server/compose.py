"""Settings in, running application out: the only code that knows every concrete class."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import apsw
import structlog
from fastapi import FastAPI

from agent_memory_server.adapters.providers.catalogue import context_tokens, embedding_dimensions
from agent_memory_server.adapters.providers.open_embedder import LOCAL_NAMES, open_embedder
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.adapters.sqlite.answers import SqliteIdempotencyStore
from agent_memory_server.adapters.sqlite.connection import open_writer
from agent_memory_server.adapters.sqlite.database import Database, DataFolder, prepare
from agent_memory_server.adapters.sqlite.errors import translating
from agent_memory_server.adapters.sqlite.memory_store import SqliteMemoryStore
from agent_memory_server.adapters.sqlite.model import StoredModel, claim_model, stored_model
from agent_memory_server.adapters.sqlite.rebuild import Progress, forget_vectors, rebuild
from agent_memory_server.adapters.sqlite.search import Searcher, SearchSettings
from agent_memory_server.adapters.sqlite.session_store import SqliteSessionStore
from agent_memory_server.adapters.sqlite.tokens import SqliteTokenStore
from agent_memory_server.adapters.sqlite.vector_cache import SqliteVectorCache
from agent_memory_server.domain.errors import NotFound, Unavailable
from agent_memory_server.interfaces.rest.app import create_app
from agent_memory_server.interfaces.rest.options import AuthMode as RestAuth
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.interfaces.worker.upkeep import run_upkeep
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.credentials import NewToken, bootstrap_token
from agent_memory_server.operations.upkeep import embed_owed
from agent_memory_server.ports.embedder import Embedder
from agent_memory_server.settings import Settings
from agent_memory_server.settings.auth import AuthMode, decide_auth
from agent_memory_server.settings.load import require_startable
from agent_memory_server.settings.memory import options_of
from agent_memory_server.telemetry import log as events

_HOUR_S = 3600.0
_USUAL_DIMENSIONS = 384
_OPENAI = "openai/"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Opened:
    app: Application
    database: Database


class _NoEmbedder:
    """Stands where a command needs no embedding model: nothing is loaded, and a call is a mistake that shows."""

    model = "none"
    dimensions = _USUAL_DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> NoReturn:
        """Refuse."""
        raise Unavailable(f"no embedding model was opened to embed {len(texts)} texts")

    async def close(self) -> None:
        """Nothing to release."""


@asynccontextmanager
async def application(settings: Settings, *, embedding: bool = True) -> AsyncIterator[Application]:
    """A running application on the data folder, closed at the end; several processes may run one on the same folder.

    embedding: False opens no embedding model, for work that embeds nothing.
    Raises: StartRefused (SettingsError among them), with the remedy.
    """
    async with _opened(settings, embedding=embedding, claim=embedding) as opened:
        yield opened.app


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Application]:
    """An application with its upkeep: what is owed is done beside the requests."""
    async with application(settings) as app, asyncio.TaskGroup() as tasks:
        upkeep = tasks.create_task(run_upkeep(app), name="upkeep")
        try:
            yield app
        finally:
            upkeep.cancel()


@asynccontextmanager
async def _opened(settings: Settings, *, embedding: bool, claim: bool) -> AsyncIterator[_Opened]:
    require_startable(settings)
    async with AsyncExitStack() as stack:
        database = await Database.open(_folder(settings))
        stack.push_async_callback(database.close)
        embedder: Embedder = _NoEmbedder()
        if embedding:
            embedder = await _open_embedder(settings.embedding, database)
            stack.push_async_callback(embedder.close)
        if claim:
            await database.write(partial(_claim, model=embedder.model, dimensions=embedder.dimensions))
        search = SearchSettings(dimensions=embedder.dimensions, cache_mb=settings.storage.vector_cache_mb)
        app = Application(
            memories=SqliteMemoryStore(database, Searcher(search)),
            sessions=SqliteSessionStore(database),
            tokens=SqliteTokenStore(database),
            answers=SqliteIdempotencyStore(database),
            embedder=embedder,
            clock=time.time,
            options=options_of(settings.memory, settings.sessions),
            context_sizes=context_tokens,
        )
        log.info(events.OPENED, folder=str(settings.storage.data_dir), model=embedder.model)
        yield _Opened(app, database)


def _folder(settings: Settings) -> DataFolder:
    # The dimensions only choose the page size of a new file; the embedder's own are claimed when it is open.
    dimensions = settings.embedding.dimensions or embedding_dimensions(settings.embedding.model) or _USUAL_DIMENSIONS
    return DataFolder(path=settings.storage.data_dir, dimensions=dimensions, durability=settings.storage.durability)


async def _open_embedder(settings: EmbeddingSettings, database: Database) -> Embedder:
    stored = await database.read(stored_model)
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


def rest_app(
    settings: Settings,
    *,
    opened: Application | None = None,
    on_bootstrap: Callable[[NewToken], None] | None = None,
) -> FastAPI:
    """The REST server as an ASGI application.

    opened: an application that the caller opened and closes; by default the ASGI lifespan opens one, with upkeep.
    on_bootstrap: is given the first token when this start makes one (`bootstrap`).
    Raises: SettingsError, when the settings contradict each other; nothing is opened then.
    """
    decision = decide_auth(settings.auth, settings.server.host)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[Application]:
        async with AsyncExitStack() as stack:
            app = opened if opened is not None else await stack.enter_async_context(serving(settings))
            token = await bootstrap(app, settings)
            if token is not None and on_bootstrap is not None:
                on_bootstrap(token)
            yield app

    options = RestOptions(
        auth=RestAuth.TOKEN if decision.mode is AuthMode.TOKEN else RestAuth.DISABLED,
        max_body_bytes=settings.server.max_body_bytes,
        idempotency_s=settings.server.idempotency_hours * _HOUR_S,
    )
    return create_app(lifespan, options)


async def bootstrap(app: Application, settings: Settings) -> NewToken | None:
    """The first token of a server that asks for tokens only because of its address; None when it is not needed."""
    decision = decide_auth(settings.auth, settings.server.host)
    return await bootstrap_token(app) if decision.mode is AuthMode.TOKEN and not decision.chosen else None


def rebuilding(settings: Settings) -> Iterator[Progress]:
    """Rebuild what is derived from records, step by step; servers may go on meanwhile.

    Raises: NotFound, when there is no data folder; Unavailable.
    """
    require_startable(settings)
    folder = _folder(settings)
    if not folder.file.exists():
        raise NotFound(f"no data in {folder.path}")
    prepare(folder)
    with translating():
        connection = open_writer(folder.file, dimensions=folder.dimensions, durability=folder.durability)
        try:
            yield from rebuild(connection)
        finally:
            connection.close()


async def reembedding(settings: Settings) -> AsyncIterator[Progress]:
    """Drop all vectors and embed every record with the model of the settings, step by step.

    Stopping half-way harms nothing: what is still owed is embedded by the next server on the folder.
    Raises: Unavailable, when the model does not answer.
    """
    async with _opened(settings, embedding=True, claim=False) as opened:
        app, model = opened.app, opened.app.embedder
        await model.embed(["a text to see that the model answers before anything is dropped"])
        total = await opened.database.write(
            lambda connection: forget_vectors(connection, model.model, model.dimensions)
        )
        yield Progress(0, total)
        while await embed_owed(app):
            owed = (await app.memories.stats()).unembedded
            yield Progress(max(total - owed, 0), total)
        yield Progress(total, total)
