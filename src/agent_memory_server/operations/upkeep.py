"""What is owed, found in the stored state and done off the request path. Every step may be repeated or cut off."""

from __future__ import annotations

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.forget import Forgotten, forget
from agent_memory_server.ports.memory_store import Owed

EMBED_AT_ONCE = 64
PURGE_AT_ONCE = 1000
_REFUSED = "a text that the embedding model does not accept"
"""Embedded in place of a text that the model refuses, so that one record cannot hold up the others."""


async def embed_owed(app: Application) -> int:
    """Embed one batch of records that have no vector yet; how many: fewer than EMBED_AT_ONCE when no more are owed.

    Raises: Unavailable, when the embedder or the store does not work now; nothing is lost by it.
    """
    owed = await app.memories.owed_embeddings(limit=EMBED_AT_ONCE)
    if not owed:
        return 0
    try:
        vectors = list(await app.embedder.embed([record.text for record in owed]))
    except InvalidRequest:
        for record in owed:
            await _embed_alone(app, record)
        return len(owed)
    await app.memories.set_vectors(
        [(record.id, record.revision, vector) for record, vector in zip(owed, vectors, strict=True)]
    )
    return len(owed)


async def _embed_alone(app: Application, record: Owed) -> None:
    # Stored one by one: where the model fails half-way, what it gave before is kept.
    try:
        vectors = await app.embedder.embed([record.text])
    except InvalidRequest:
        vectors = await app.embedder.embed([_REFUSED])
    await app.memories.set_vectors([(record.id, record.revision, vectors[0])])


async def write_accesses(app: Application) -> int:
    """Store the accesses that searches noted; how many records changed."""
    ids = app.accesses.take()
    return await app.memories.touch(EVERYWHERE, ids, at=app.clock()) if ids else 0


async def purge_expired(app: Application) -> int:
    """Drop sessions and kept answers whose time is over; how many."""
    now = app.clock()
    purged = await app.answers.purge_expired(now=now)
    while batch := await app.sessions.purge_expired(now=now, limit=PURGE_AT_ONCE):
        purged += batch
    return purged


async def forget_by_policy(app: Application) -> Forgotten | None:
    """Apply the configured retention policy to the whole store; None when none is configured."""
    policy = app.options.forgetting
    return await forget(app, LOCAL, policy, EVERYTHING, dry_run=False) if policy else None
