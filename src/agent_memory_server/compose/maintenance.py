"""Work on the data folder that an operator asks for: rebuilding, embedding again, examining."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

from agent_memory_server.adapters.providers.open_embedder import open_embedder
from agent_memory_server.adapters.sqlite.connection import open_writer
from agent_memory_server.adapters.sqlite.database import prepare
from agent_memory_server.adapters.sqlite.errors import translating
from agent_memory_server.adapters.sqlite.examine import examine
from agent_memory_server.adapters.sqlite.rebuild import Progress, forget_vectors, rebuild
from agent_memory_server.compose.application import folder_of, opened
from agent_memory_server.domain.errors import MemoryServerError, NotFound
from agent_memory_server.domain.finding import Finding, State
from agent_memory_server.operations.upkeep import embed_owed
from agent_memory_server.settings import Settings
from agent_memory_server.settings.load import require_startable

_PROBE = "a text to see whether the model answers"


def rebuilding(settings: Settings) -> Iterator[Progress]:
    """Rebuild what is derived from records, step by step; servers may go on meanwhile.

    Raises: NotFound, when there is no data folder; Unavailable.
    """
    require_startable(settings)
    folder = folder_of(settings)
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
    async with opened(settings, embedding=True, claim=False) as running:
        app, model = running.app, running.app.embedder
        await model.embed([_PROBE])  # before anything is dropped
        total = await running.database.write(
            lambda connection: forget_vectors(connection, model.model, model.dimensions)
        )
        yield Progress(0, total)
        while await embed_owed(app):
            owed = (await app.memories.stats()).unembedded
            yield Progress(max(total - owed, 0), total)
        yield Progress(total, total)


def examining(settings: Settings) -> Iterator[Finding]:
    """What there is to say about the data folder, one finding at a time. Changes nothing."""
    return examine(folder_of(settings))


async def model_finding(settings: Settings) -> Finding:
    """Whether the embedding model answers."""
    began = time.perf_counter()
    try:
        embedder = await open_embedder(settings.embedding)
        try:
            await embedder.embed([_PROBE])
        finally:
            await embedder.close()
    except MemoryServerError as exc:
        return Finding("embedding model", State.FAILED, str(exc))
    passed_s = time.perf_counter() - began
    detail = f"{embedder.model}, {embedder.dimensions} dimensions, opened and answered in {passed_s:.1f} s"
    return Finding("embedding model", State.OK, detail)
