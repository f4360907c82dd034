"""A REST server in this process: the real application over a data folder in a temporary directory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI

from agent_memory_server.adapters.providers.deterministic import DeterministicEmbedder
from agent_memory_server.interfaces.rest.app import create_app
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.interfaces.worker.upkeep import Pace, run_upkeep
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.options import Options
from agent_memory_server.ports.chat_model import ChatModel
from agent_memory_server.ports.clock import Clock
from agent_memory_server.ports.embedder import Embedder
from agent_memory_server.ports.reranker import Reranker
from tests.support.chosen_engine import engine_ports

DIMENSIONS = 64
BASE = "http://memory.test"
Json = dict[str, Any]


def wall_clock() -> float:
    return round(time.time(), 6)


@asynccontextmanager
async def application(
    folder: Path,
    *,
    embedder: Embedder | None = None,
    rules: Options | None = None,
    clock: Clock = wall_clock,
    context_sizes: Callable[[str], int | None] = lambda _model: None,
    chat: ChatModel | None = None,
    reranker: Reranker | None = None,
) -> AsyncIterator[Application]:
    """The application over a data folder, without any server. chat: answers large and small questions; it and reranker
    are closed by who made them."""
    embedder = embedder or DeterministicEmbedder(DIMENSIONS)
    try:
        async with engine_ports(folder, dimensions=embedder.dimensions) as ports:
            yield Application(
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
                clock=clock,
                chat=chat,
                fast_chat=chat,
                reranker=reranker,
                options=rules or Options(),
                context_sizes=context_sizes,
            )
    finally:
        await embedder.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server: a client for it, and what is behind it."""

    http: httpx2.AsyncClient
    app: Application
    api: FastAPI

    async def remember(self, *memories: Json, deduplicate: bool = False) -> Json:
        """Store memories; `id` defaults to the text."""
        records = [{"id": memory["text"], **memory} for memory in memories]
        body = {"memories": records, "deduplicate": deduplicate}
        return answered(await self.http.post("/v1/long-term-memory/", json=body))

    async def search(self, text: str | None = None, **request: Any) -> Json:
        return answered(await self.http.post("/v1/long-term-memory/search", json={"text": text, **request}))


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    embedder: Embedder | None = None,
    rest: RestOptions | None = None,
    rules: Options | None = None,
    clock: Clock = wall_clock,
    pace: Pace | None = None,
    context_sizes: Callable[[str], int | None] = lambda _model: None,
    chat: ChatModel | None = None,
) -> AsyncIterator[Server]:
    """A server on this folder; with a pace, its upkeep runs too."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Application]:
        opening = application(
            folder, embedder=embedder, rules=rules, clock=clock, context_sizes=context_sizes, chat=chat
        )
        async with opening as app:
            upkeep = asyncio.ensure_future(run_upkeep(app, pace=pace)) if pace else None
            try:
                yield app
            finally:
                if upkeep:
                    upkeep.cancel()
                    with suppress(asyncio.CancelledError):
                        await upkeep

    api = create_app(opened, rest or RestOptions())
    async with api.router.lifespan_context(api), client_of(api) as http:
        yield Server(http=http, app=api.state.serving.app, api=api)


def client_of(api: FastAPI, **headers: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=api)
    return httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers, timeout=60)


def answered(response: httpx2.Response) -> Json:
    """The body of a success."""
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body
