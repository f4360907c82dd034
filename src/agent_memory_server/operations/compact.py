"""Merge what says the same, and take exact duplicates out of sight."""

from __future__ import annotations

import structlog

from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.query import Order
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.operations.consolidate import compare
from agent_memory_server.operations.remember import require_long_term

COMPARED_WITHIN_S = 30.0
"""Of comparing within a request."""

log = structlog.get_logger()


async def compact(app: Application, principal: Principal, filter_: Filter) -> int:
    """Compare the memories of a selection that were not compared yet (see `consolidate`), then of each group of
    memories with equal content in one place keep one current; how many memories are current by the filter.

    What goes is superseded by what stays, and readable in its history. What a chat model would have to decide that does
    not answer, and what takes longer than COMPARED_WITHIN_S, is left to the background.
    Raises: Forbidden, RequestRefused (long-term memory is off), Unavailable.
    """
    require_long_term(app)
    scope = require(principal, Action.WRITE)
    walk = await compare(app, scope, filter_, within_s=COMPARED_WITHIN_S)
    app.stored.set()  # whatever is left
    if walk.failure is not None:
        log.warning("compact.waiting", memories=len(walk.waiting), code=walk.failure.code, reason=str(walk.failure))
    await app.memories.supersede_duplicates(scope, filter_, now=app.clock())
    return (await app.memories.list(scope, filter_, order=Order.STORED, limit=1)).total
