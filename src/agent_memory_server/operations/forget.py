"""Let memories go: by id, or by a retention policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.query import Order
from agent_memory_server.domain.retention import Retention, RetentionPolicy
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.operations.remember import require_long_term

_DELETE_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Result of a policy run. In a dry run nothing was deleted, and `ids` are those that would go."""

    scanned: int
    ids: tuple[str, ...]
    dry_run: bool


async def delete(app: Application, principal: Principal, ids: Sequence[str]) -> int:
    """Delete memories by id; how many there were within the caller's scope. Idempotent."""
    require_long_term(app)
    scope = require(principal, Action.WRITE)
    return await app.memories.delete(scope, list(dict.fromkeys(ids))) if ids else 0


async def forget(
    app: Application,
    principal: Principal,
    policy: RetentionPolicy,
    filter_: Filter,
    *,
    pinned_ids: frozenset[str] = frozenset(),
    dry_run: bool = True,
    page: int = 1000,
) -> Forgotten:
    """Apply a policy to every memory of the filter within the caller's scope.

    page: records read at a time; all are looked at, whatever it is.
    """
    scope = require(principal, Action.WRITE)
    retention = Retention(policy, now=app.clock(), pinned_ids=pinned_ids)
    cursor: str | None = None
    while True:
        batch = await app.memories.list(scope, filter_, order=Order.STORED, limit=page, cursor=cursor)
        retention.look_at(batch.memories)
        cursor = batch.cursor
        if cursor is None:
            break
    ids = retention.forgotten()
    if not dry_run:
        for start in range(0, len(ids), _DELETE_AT_ONCE):
            await app.memories.delete(scope, ids[start : start + _DELETE_AT_ONCE])
    return Forgotten(scanned=retention.scanned, ids=tuple(ids), dry_run=dry_run)
