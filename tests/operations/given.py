"""What tests of operations are made of: callers, records, turns, a clock, and embedders that fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.deterministic import DeterministicEmbedder
from agent_memory_server.domain.errors import InvalidRequest, Unavailable
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import ALL_ACTIONS, LOCAL, Action, Principal
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import Session, SessionKey
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.converse import SessionView, SessionWrite, append_messages, get_session, put_session
from agent_memory_server.operations.messages import GivenMessage
from agent_memory_server.operations.upkeep import embed_owed
from agent_memory_server.operations.window import Window
from agent_memory_server.ports.session_store import Appended
from tests.support.rest import DIMENSIONS

NOW = 1_790_000_000.0
KEY = SessionKey("team", "ana", "chat")
NO_WINDOW = Window()


@dataclass
class SettableClock:
    """Stands still until it is moved."""

    now: float

    def __call__(self) -> float:
        return self.now


@dataclass
class FailingEmbedder:
    """The deterministic embedder; unavailable while `down`, and refusing texts that hold one of `refused`."""

    down: bool = False
    refused: tuple[str, ...] = ()
    calls: list[list[str]] = field(default_factory=list)
    model: str = "deterministic"
    dimensions: int = DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls.append(list(texts))
        if self.down:
            raise Unavailable("the model sleeps")
        if any(word in text for text in texts for word in self.refused):
            raise InvalidRequest("the model refuses this text")
        return await DeterministicEmbedder(self.dimensions).embed(texts)

    async def close(self) -> None:
        """Nothing to release."""


def caller(
    *, namespaces: Sequence[str] | None = None, users: Sequence[str] | None = None, can: frozenset[Action] = ALL_ACTIONS
) -> Principal:
    granted = Scope(None if namespaces is None else frozenset(namespaces), None if users is None else frozenset(users))
    return Principal(subject="test", scope=granted, actions=can)


def memory(id_: str, text: str = "", **fields: Any) -> Memory:
    times = {"created_at": NOW, "updated_at": NOW, "last_accessed": NOW}
    return Memory(id=id_, text=text or f"text of {id_}", **(times | fields))


def turn(id_: str, content: str = "", role: str = "user", **fields: Any) -> GivenMessage:
    return GivenMessage(id=id_, role=role, content=content or f"content of {id_}", **({"created_at": NOW} | fields))


async def put(
    app: Application,
    *turns: GivenMessage,
    key: SessionKey = KEY,
    who: Principal = LOCAL,
    if_revision: int | None = None,
    window: Window = NO_WINDOW,
    **fields: Any,
) -> SessionView:
    session = Session(key=key, **({"created_at": NOW, "updated_at": NOW, "last_accessed": NOW} | fields))
    return await put_session(
        app, who, SessionWrite(key=key, messages=turns, session=session), window, if_revision=if_revision
    )


async def append(
    app: Application, *turns: GivenMessage, key: SessionKey = KEY, who: Principal = LOCAL, **options: Any
) -> Appended:
    appended, _ = await append_messages(app, who, key, turns, **options)
    return appended


async def read(
    app: Application,
    key: SessionKey = KEY,
    who: Principal = LOCAL,
    *,
    window: Window = NO_WINDOW,
    last: int | None = None,
) -> SessionView:
    """The session of this key; "" leaves a part of the place open."""
    return await get_session(
        app, who, key.session_id, namespace=key.namespace, user_id=key.user_id, window=window, last=last
    )


def contents(view: SessionView) -> list[str]:
    return [message.content for message in view.session.messages]


async def records(app: Application, *ids: str) -> dict[str, Memory]:
    """The stored records with these ids, whoever's they are."""
    return {found.id: found for found in await app.memories.get(LOCAL.scope, ids)}


async def embed_everything(app: Application) -> None:
    for _ in range(1000):
        if not await embed_owed(app):
            return
    raise AssertionError("embeddings are still owed after 1000 batches")
