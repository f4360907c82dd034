"""Work on the data that an operator asks for: rebuilding, embedding again, examining."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

from agent_memory_server.adapters.providers.chat.open_chat import opened_chats
from agent_memory_server.adapters.providers.encodings import TiktokenEncodings
from agent_memory_server.adapters.providers.open_embedder import open_embedder
from agent_memory_server.adapters.sqlite.connection import open_writer
from agent_memory_server.adapters.sqlite.database import prepare
from agent_memory_server.adapters.sqlite.errors import translating
from agent_memory_server.adapters.sqlite.examine import examine
from agent_memory_server.adapters.sqlite.rebuild import Progress, rebuild
from agent_memory_server.compose.application import addresses_of, opened
from agent_memory_server.compose.sqlite_engine import folder_of
from agent_memory_server.domain.errors import MemoryServerError, NotFound
from agent_memory_server.domain.finding import Finding, State
from agent_memory_server.domain.stored_model import StoredModel
from agent_memory_server.operations.postponed import Postponed
from agent_memory_server.operations.upkeep import embed_owed
from agent_memory_server.ports.chat_model import ChatModel, ChatRequest
from agent_memory_server.settings import Settings

_PROBE = "a text to see whether the model answers"
_CHAT_PROBE = "Answer with the word yes."


async def rebuilding(settings: Settings) -> AsyncIterator[Progress]:
    """Rebuild what is derived from records, step by step; servers may go on meanwhile.

    Raises: NotFound, when there is nothing; Conflict, when another process does; Unavailable.
    """
    if settings.redis.url is not None:
        from agent_memory_server.compose.redis_engine import rebuilding_redis  # noqa: PLC0415 - see `opened`

        async for done, total in rebuilding_redis(settings):
            yield Progress(done, total)
        return
    folder = folder_of(settings)
    if not folder.file.exists():
        raise NotFound(f"no data in {folder.path}")
    prepare(folder)
    with translating():
        connection = open_writer(folder.file, dimensions=folder.dimensions, durability=folder.durability)
        try:
            for step in rebuild(connection):
                yield step
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
        total = await running.engine.forget_vectors(StoredModel(model.model, model.dimensions))
        yield Progress(0, total)
        postponed = Postponed()
        while await embed_owed(app, postponed):
            owed = (await app.memories.stats()).unembedded
            yield Progress(max(total - owed, 0), total)
        yield Progress(total, total)


def examining(settings: Settings) -> Iterator[Finding]:
    """What there is to say about the engine and its data, one finding at a time. Changes nothing."""
    if settings.redis.url is not None:
        from agent_memory_server.compose.redis_engine import redis_findings  # noqa: PLC0415 - see `opened`

        return iter(asyncio.run(redis_findings(settings)))
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


async def chat_findings(settings: Settings) -> list[Finding]:
    """Whether the chat models answer; each is asked one short question. The budget of the day is left alone."""
    try:
        async with opened_chats(settings.chat, addresses_of(settings), spending=NoSpending(), clock=time.time) as chats:
            found = []
            if chats.generation is not None:
                found.append(await _asked("generation model", chats.generation))
            if chats.fast is not None and chats.fast is not chats.generation:
                found.append(await _asked("fast model", chats.fast))
    except MemoryServerError as exc:
        return [Finding("chat models", State.FAILED, str(exc))]
    return found or [Finding("chat models", State.OK, "none is set: the server works by rules (GENERATION_MODEL)")]


def tokens_finding(settings: Settings) -> Finding:
    """How tokens are counted."""
    found = TiktokenEncodings(settings.sessions.encodings_dir).available()
    if found:
        detail = f"counted by {' and '.join(found)} for models of OpenAI, estimated for others"
    else:
        detail = "estimated; with the extra litellm those of models of OpenAI are counted"
    return Finding("tokens", State.OK, detail)


async def _asked(name: str, model: ChatModel) -> Finding:
    began = time.perf_counter()
    question = ChatRequest(purpose="doctor", instructions=_CHAT_PROBE, text="Is anyone there?", answer_tokens=512)
    try:
        await model.ask(question)
    except MemoryServerError as exc:
        return Finding(name, State.WARNING, f"{exc}; work that needs it waits")
    return Finding(name, State.OK, f"{model.model} answered in {time.perf_counter() - began:.1f} s")


class NoSpending:
    """A question of the operator's own is not held against the budget."""

    async def spent(self, day: str) -> int:  # noqa: ARG002 - see Spending
        """Nothing."""
        return 0

    async def add(self, day: str, tokens: int) -> int:  # noqa: ARG002 - see Spending
        """Nothing is noted."""
        return tokens
