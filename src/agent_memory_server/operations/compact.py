"""Remove exact duplicates."""

from __future__ import annotations

from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.query import Order
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.operations.remember import require_long_term


async def compact(app: Application, principal: Principal, filter_: Filter) -> int:
    """Of each group of memories with equal content in one place keep one; how many memories remain by the filter.

    Memories that say the same in other words are merged by `consolidate`.
    """
    require_long_term(app)
    scope = require(principal, Action.WRITE)
    await app.memories.remove_duplicates(scope, filter_)
    return (await app.memories.list(scope, filter_, order=Order.STORED, limit=1)).total
