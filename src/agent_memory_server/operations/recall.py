"""Read memories without ranking: one by id, many by filter, one with its history."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory_server.domain.errors import NotFound
from agent_memory_server.domain.filters import Filter, TextField, only
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.query import Order, Page
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.operations.remember import require_long_term

_HISTORY = 1000
"""Versions of a history at most."""


async def recall(app: Application, principal: Principal, memory_id: str) -> Memory:
    """The memory with this id. Raises: NotFound, also for a memory outside the caller's scope."""
    require_long_term(app)
    found = await app.memories.get(require(principal, Action.READ), [memory_id])
    if not found:
        raise NotFound(f"Memory with ID {memory_id} not found")
    return found[0]


async def browse(
    app: Application, principal: Principal, filter_: Filter, *, limit: int, cursor: str | None = None
) -> Page:
    """A page of memories by filter, newest first; walking the cursors sees every one once."""
    require_long_term(app)
    scope = require(principal, Action.READ)
    return await app.memories.list(scope, filter_, order=Order.NEWEST, limit=limit, cursor=cursor)


async def history(app: Application, principal: Principal, memory_id: str) -> Sequence[Memory]:
    """A memory and all that it superseded, directly or by others: the memory first, then the versions and memories
    that were current last. Raises: NotFound."""
    memory = await recall(app, principal, memory_id)
    scope = require(principal, Action.READ)
    found: dict[str, Memory] = {}
    asked: tuple[str, ...] = (memory_id,)
    while asked:
        filter_ = Filter((only(TextField.SUPERSEDED_BY, *asked),), past=True)
        page = await app.memories.list(scope, filter_, order=Order.STORED, limit=_HISTORY)
        fresh = [one for one in page.memories if one.id not in found and one.id != memory_id]
        found |= {one.id: one for one in fresh}
        asked = tuple(one.id for one in fresh) if len(found) < _HISTORY else ()
    past = sorted(found.values(), key=lambda one: (-(one.valid_until or 0.0), one.id))
    return (memory, *past[:_HISTORY])
