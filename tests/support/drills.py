"""Servers, workers, a chat model and an embedding model as real processes and services, for drills.

Small by default; `DRILLS=full` takes the lengths of real outages and the settings that a server has by itself.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.support.chat_service import Asked, ChatService, chat_service, failed
from tests.support.embedding_service import DIMENSIONS, EmbeddingService, embedding_service
from tests.support.processes import Server, serving, working

FULL = os.environ.get("DRILLS") == "full"
MODELS_DOWN_S = 60.0 if FULL else 1.0
WORKER_DOWN_S = 75.0 if FULL else 1.0
BOUND_S = 300.0 if FULL else 60.0
CREATES, SESSIONS = 20, 10

_QUICK = {
    "EMBEDDING_ATTEMPTS": "1",
    "EMBEDDING_BREAKER_COOLDOWN_S": "0.2",
    "CHAT_ATTEMPTS": "1",
    "CHAT_BREAKER_COOLDOWN_S": "0.2",
    "WORKER_BACKOFF_SECONDS": "0.1",
    "WORKER_LONGEST_BACKOFF_SECONDS": "0.5",
    "WORKER_LEASE_SECONDS": "1",
    "WORKER_SWEEP_SECONDS": "1",
}


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when the condition holds. Raises: TimeoutError, when it does not within BOUND_S."""
    async with asyncio.timeout(BOUND_S):
        while not await condition():  # noqa: ASYNC110 - the condition is asked of other processes, which ring no bell
            await asyncio.sleep(0.05)


def _echo(asked: Asked) -> dict[str, Any]:
    """One memory for each message that a question asks about."""
    usual = {"type": "semantic", "topics": [], "entities": [], "event_date": ""}
    found = [usual | {"text": at["text"], "quote": at["text"], "source": at["number"]} for at in _numbered(asked)]
    return {"memories": found}


def _labels(asked: Asked) -> dict[str, Any]:
    """No topics and entities for any of them."""
    return {"memories": [{"number": at["number"], "topics": [], "entities": []} for at in _numbered(asked)]}


def _numbered(asked: Asked) -> list[dict[str, Any]]:
    return [json.loads(line) for line in asked.text.splitlines() if line.startswith('{"number"')]


@dataclass(frozen=True, slots=True)
class Site:
    """One store with its processes. queue_lost: throws all jobs away, as an operator or a failed disk would."""

    folder: Path
    chat: ChatService
    embedding: EmbeddingService
    queue_lost: Callable[[], None]
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """The settings of every process."""
        return {
            "GENERATION_MODEL": "ollama/some-model",
            "OLLAMA_API_BASE": self.chat.url.removesuffix("/v1"),
            "EMBEDDING_MODEL": "openai/some-embedding",
            "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
            "OPENAI_API_BASE": self.embedding.url,
            "EXTRACTION_DEBOUNCE_SECONDS": "0",
            "LOG_LEVEL": "DEBUG",
            **({} if FULL else _QUICK),
            **self.extra,
        }

    def server(self, **more: str) -> AbstractContextManager[Server]:
        """A server that only queues."""
        return serving(self.folder, "--task-backend", "docket", env=self.env | more)

    def worker(self, **more: str) -> AbstractContextManager[Server]:
        """A worker."""
        return working(self.folder, env=self.env | more)

    def models_down(self) -> None:
        """Both models answer 500."""
        self.chat.outage = failed(500)
        self.embedding.fail(500, times=1_000_000)

    def models_up(self) -> None:
        """Both models answer."""
        self.chat.outage = None
        self.embedding.script.clear()


@contextmanager
def models() -> Iterator[tuple[ChatService, EmbeddingService]]:
    """A chat model that finds one memory in each message, and an embedding model."""
    with chat_service() as chat, embedding_service() as embedding:
        chat.answer(_echo)
        chat.answer(_labels, when="you label memories")
        yield chat, embedding


def create(http: httpx2.Client, count: int = CREATES) -> None:
    """Store so many records, one request each; every one is acknowledged."""
    for n in range(count):
        record = {"id": f"m{n}", "text": f"fact number {n}"}
        http.post("/v1/long-term-memory/", json={"memories": [record]}).raise_for_status()


def talk(http: httpx2.Client, count: int = SESSIONS) -> None:
    """Store so many sessions of one message; every one is acknowledged."""
    for n in range(count):
        messages = [{"id": f"t{n}", "role": "user", "content": f"I live in Town{n}."}]
        http.put(f"/v1/working-memory/s{n}", json={"messages": messages, "user_id": "ann"}).raise_for_status()


def stored(http: httpx2.Client, count: int = CREATES) -> int:
    """How many of the records are there."""
    return sum(http.get(f"/v1/long-term-memory/m{n}").status_code == 200 for n in range(count))


def extracted(http: httpx2.Client) -> list[str]:
    """The sessions of all memories that were read out of conversations."""
    body = {"user_id": {"eq": "ann"}, "memory_type": {"eq": "semantic"}, "limit": 100}
    found = http.post("/v1/long-term-memory/search", json=body).raise_for_status().json()["memories"]
    return sorted(memory["session_id"] for memory in found)


def degraded(http: httpx2.Client) -> bool:
    """Whether a search by meaning misses a vector."""
    body = {"text": "fact number 7", "search_mode": "semantic", "limit": 100}
    return "degraded" in http.post("/v1/long-term-memory/search", json=body).raise_for_status().json()
