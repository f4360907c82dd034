"""Read memories without ranking: one by id, or many by filter."""

from __future__ import annotations

from agent_memory_server.domain.errors import NotFound
from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.query import Order, Page
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.operations.remember import require_long_term


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
