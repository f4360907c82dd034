"""Whether the parts work, asked for real, each within a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent_memory_server.domain.errors import MemoryServerError, Unavailable
from agent_memory_server.operations.application import Application
from agent_memory_server.ports.jobs import SEEN_WITHIN_S
from agent_memory_server.ports.memory_store import TakesOver

DEADLINE_S = 2.0
_PROBE = "readiness"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHealth:
    """One part. needed: without it the server cannot serve; otherwise it serves degraded."""

    name: str
    ok: bool
    needed: bool
    reason: str | None = None


async def _checked(name: str, needed: bool, probe: Callable[[], Awaitable[object]]) -> PartHealth:
    try:
        async with asyncio.timeout(DEADLINE_S):
            await probe()
    except TimeoutError:
        return PartHealth(name=name, ok=False, needed=needed, reason=f"no answer within {DEADLINE_S:g} s")
    except MemoryServerError as exc:
        return PartHealth(name=name, ok=False, needed=needed, reason=str(exc))
    return PartHealth(name=name, ok=True, needed=needed)


def _chat(app: Application) -> list[PartHealth]:
    """One entry for each chat model, by what is known of it: asking it would cost."""
    models = {"chat": app.chat, "fast_chat": app.fast_chat if app.fast_chat is not app.chat else None}
    found = []
    for name, model in models.items():
        if model is not None:
            reason = model.trouble()
            found.append(PartHealth(name=name, ok=reason is None, needed=False, reason=reason))
    return found


async def _ask_workers(app: Application) -> None:
    pulse = await app.jobs.pulse(now=app.clock())
    if not pulse.workers:
        raise Unavailable(f"no worker was seen for {SEEN_WITHIN_S:g} s: background work waits for one")


async def _taking_over(app: Application) -> list[PartHealth]:
    """An entry while memories of another server are being taken over: requests that name nobody have to wait."""
    if not isinstance(app.memories, TakesOver):
        return []
    try:
        async with asyncio.timeout(DEADLINE_S):
            left = await app.memories.taking_over()
    except (TimeoutError, MemoryServerError):
        return []  # the store's own entry tells
    return [] if left is None else [PartHealth(name="taking_over", ok=False, needed=False, reason=left)]


async def readiness(app: Application) -> list[PartHealth]:
    """The store (a real read and a test of writing), the embedder (one short text) and whether there are workers, all
    at once; memories of another server that are still to be taken over; and the chat models, where there are any: not
    asked, but whether they are being left alone."""
    asked = await asyncio.gather(
        _checked("store", True, app.memories.ping),
        _checked("embedder", False, lambda: app.embedder.embed([_PROBE])),
        _checked("workers", False, lambda: _ask_workers(app)),
    )
    return [*asked, *await _taking_over(app), *_chat(app)]
