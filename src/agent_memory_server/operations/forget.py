"""Let memories go: by id, or by a retention policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.domain.query import Order
from agent_memory_server.domain.retention import Retention, RetentionPolicy
from agent_memory_server.domain.scope import Scope
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import require
from agent_memory_server.operations.remember import require_long_term

_DELETE_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Result of a policy run. ids: what was deleted; in a dry run, which deletes nothing, what would go."""

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

    page: records read at a time; all are looked at, whatever it is. What is used, changed or pinned while this runs
    stays.
    """
    scope = require(principal, Action.WRITE)
    began = app.clock()
    retention = Retention(policy, now=began, pinned_ids=pinned_ids)
    cursor: str | None = None
    while True:
        batch = await app.memories.list(scope, filter_, order=Order.STORED, limit=page, cursor=cursor)
        retention.look_at(batch.memories)
        cursor = batch.cursor
        if cursor is None:
            break
    ids = retention.forgotten()
    if not dry_run:
        ids = await _let_go(app, scope, ids, since=began)
    return Forgotten(scanned=retention.scanned, ids=tuple(ids), dry_run=dry_run)


async def _let_go(app: Application, scope: Scope, ids: Sequence[str], *, since: float) -> list[str]:
    """Delete those that nobody used or changed since the policy looked at them; their ids."""
    gone: list[str] = []
    for start in range(0, len(ids), _DELETE_AT_ONCE):
        found = await app.memories.get(scope, ids[start : start + _DELETE_AT_ONCE])
        doomed = [memory.id for memory in found if not _in_use(memory, since, app.clock())]
        await app.memories.delete(scope, doomed)
        gone += doomed
    return gone


def _in_use(memory: Memory, since: float, now: float) -> bool:
    # Times beyond `now` are a caller's own, not those of a use or change that just happened.
    return memory.pinned or since < memory.last_accessed <= now or since < memory.updated_at <= now
