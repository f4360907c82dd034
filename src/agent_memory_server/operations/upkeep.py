"""What is owed, found in the stored state and done off the request path. Every step may be repeated or cut off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.forget import Forgotten, forget
from agent_memory_server.ports.memory_store import Owed

EMBED_AT_ONCE = 64
_REFUSED = "a text that the embedding model does not accept"
"""Embedded in place of a text that the model refuses, so that one record cannot hold up the others."""


async def embed_owed(app: Application) -> bool:
    """Embed one batch of records that have no vector yet; False when none is owed.

    Raises: Unavailable, when the embedder or the store does not work now; nothing is lost by it.
    """
    owed = await app.memories.owed_embeddings(limit=EMBED_AT_ONCE)
    if not owed:
        return False
    try:
        vectors: Sequence[NDArray[np.float32]] = list(await app.embedder.embed([record.text for record in owed]))
    except InvalidRequest:
        vectors = [await _embed_alone(app, record) for record in owed]
    await app.memories.set_vectors(
        [(record.id, record.revision, vector) for record, vector in zip(owed, vectors, strict=True)]
    )
    return True


async def _embed_alone(app: Application, record: Owed) -> NDArray[np.float32]:
    try:
        vectors = await app.embedder.embed([record.text])
    except InvalidRequest:
        vectors = await app.embedder.embed([_REFUSED])
    vector: NDArray[np.float32] = vectors[0]
    return vector


async def write_accesses(app: Application) -> int:
    """Store the accesses that searches noted; how many records changed."""
    ids = app.accesses.take()
    return await app.memories.touch(EVERYWHERE, ids, at=app.clock()) if ids else 0


async def purge_expired(app: Application) -> int:
    """Drop sessions and kept answers whose time is over; how many."""
    now = app.clock()
    return await app.sessions.purge_expired(now=now) + await app.answers.purge_expired(now=now)


async def forget_by_policy(app: Application) -> Forgotten | None:
    """Apply the configured retention policy to the whole store; None when none is configured."""
    policy = app.options.forgetting
    return await forget(app, LOCAL, policy, EVERYTHING, dry_run=False) if policy else None
