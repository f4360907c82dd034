"""Note what was decided about memories, and read it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import structlog

from agent_memory_server.domain.decision import Decision, DecisionFilter, Outcome
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.ports.decision_log import Counts, DecisionPage

log = structlog.get_logger()

RULES = "rules"
"""Who decided, where no model did."""


async def note(app: Application, decisions: Sequence[Decision]) -> None:
    """Note decisions. What they are about is done: where the log cannot be written, it is done all the same."""
    if not decisions:
        return
    refused = Counter(f"{one.kind}.{one.reason}" for one in decisions if one.outcome is Outcome.REFUSED)
    if refused:
        log.info("decisions.refused", **refused)
    try:
        await app.decision_log.add(decisions)
    except MemoryServerError as exc:
        log.warning("decisions.not_noted", code=exc.code, count=len(decisions))


async def list_decisions(
    app: Application, principal: Principal, wanted: DecisionFilter, *, limit: int, cursor: str | None = None
) -> DecisionPage:
    """The newest decisions about memories that the caller may read, newest first.

    Raises: Forbidden, InvalidRequest (a foreign cursor), Unavailable.
    """
    return await app.decision_log.list(require(principal, Action.READ), wanted, limit=limit, cursor=cursor)


async def count_decisions(app: Application, principal: Principal, wanted: DecisionFilter) -> Counts:
    """How many of them there are, by kind, outcome and reason. Raises: Forbidden, Unavailable."""
    return await app.decision_log.counts(require(principal, Action.READ), wanted)
