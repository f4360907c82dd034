"""Change fields of one memory, embedding again only what changed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agent_memory_server.domain.errors import Conflict, NotFound, RequestRefused
from agent_memory_server.domain.memory import Memory, hash_of
from agent_memory_server.domain.principal import Action, Principal
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.authorize import place, require
from agent_memory_server.operations.embedding import vectors_or_owed
from agent_memory_server.operations.remember import require_long_term

_ATTEMPTS = 20
"""Conflicts with other writers are met by reading again and applying the same fields; this many times at most."""
_PAUSE_S = 0.002
"""Times the number of conflicts, less a random part: else of two writers whose steps take equally long one could lose
each time."""


def _changed(memory: Memory, fields: Mapping[str, Any], now: float) -> Memory:
    changed = replace(memory, **fields, updated_at=now)
    # Place and type are part of what is hashed: a stale hash would make two different memories look like duplicates.
    return replace(changed, memory_hash=hash_of(changed))


async def revise(
    app: Application,
    principal: Principal,
    memory_id: str,
    fields: Mapping[str, Any],
    *,
    if_revision: int | None = None,
) -> Memory:
    """Set the given fields of a memory (names and types of `Memory`); the rest stays as others write it.

    if_revision: change only this revision. Raises: NotFound, Forbidden, RequestRefused (no fields, or a
    blank text), Conflict.
    """
    require_long_term(app)
    if not fields:
        raise RequestRefused("No fields provided for update")
    if not fields.get("text", "any").strip():
        raise RequestRefused("the text of a memory cannot be empty")
    scope = require(principal, Action.WRITE)
    for attempt in range(1, _ATTEMPTS + 1):
        found = await app.memories.get(scope, [memory_id])
        if not found:
            raise NotFound(f"Memory with ID {memory_id} not found")
        before = found[0]
        if if_revision is not None and before.revision != if_revision:
            raise Conflict(f"memory {memory_id} is at revision {before.revision}, not {if_revision}")
        after = _changed(before, fields, app.clock())
        place(principal, Action.WRITE, after.namespace, after.user_id)
        text_changed = after.text != before.text
        vector = (await vectors_or_owed(app, [after.text]))[0] if text_changed else None
        try:
            stored = await app.memories.update(
                scope, after, if_revision=before.revision, vector=vector, text_changed=text_changed
            )
        except Conflict:
            if if_revision is not None:
                raise
            await asyncio.sleep(random.random() * _PAUSE_S * attempt)  # noqa: S311 - spreads retries, guards nothing
            continue
        if text_changed and vector is None:
            app.owed.set()
        if text_changed:
            app.stored.set()
        return stored
    raise Conflict(f"memory {memory_id} is being changed by others; try again")
