"""What is owed, found in the stored state and done off the request path. Every step may be repeated or cut off."""

from __future__ import annotations

import random
from collections.abc import Sequence

from agent_memory_server.domain.errors import InvalidRequest, Unavailable
from agent_memory_server.domain.filters import EVERYTHING
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.scope import EVERYWHERE
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.forget import Forgotten, forget
from agent_memory_server.operations.postponed import Postponed
from agent_memory_server.ports.jobs import Job
from agent_memory_server.ports.memory_store import Owed

KIND = "embed_owed"
"""The job that embeds what is owed, where that is not the work of the process that wrote."""

EMBED_AT_ONCE = 64
PURGE_AT_ONCE = 1000
_REFUSED = "a text that the embedding model does not accept"
"""Embedded in place of a text that the model refuses, so that one record cannot hold up the others."""


_RUN_S = 60.0
"""A job that has embedded for so long makes room: what is left is another's."""
_DAY_S = 86_400.0
_OUTAGE = 3
"""Texts in a row that fail each for itself, after which the service is taken to be down."""


async def embed_owed(app: Application, postponed: Postponed | None = None) -> int:
    """Try one batch of records that have no vector yet; how many: fewer than EMBED_AT_ONCE when no more are due.

    postponed: given to one call after another, it lets them pass by texts that fail while others do not.
    Raises: Unavailable, when the embedder or the store does not work now; nothing is lost by it.
    """
    postponed = postponed if postponed is not None else Postponed()
    wanted = EMBED_AT_ONCE + len(postponed)
    owed = await app.memories.owed_embeddings(limit=wanted)
    if len(owed) < wanted:
        postponed.keep(owed)
    due = postponed.due(owed, app.clock())[:EMBED_AT_ONCE]
    if due:
        await _embed(app, due, postponed)
    return len(due)


async def queue_embedding(app: Application, *, after_s: float = 0.0) -> None:
    """Queue the job that embeds what is owed; however often it is asked for, one waits and one runs."""
    await app.jobs.add(Job(kind=KIND, key="all"), due=app.clock() + after_s)


async def sweep_embeddings(app: Application) -> None:
    """Queue the job when something is owed, unless it was given up lately."""
    now = app.clock()
    if await app.memories.owed_embeddings(limit=1):
        await app.jobs.add(Job(kind=KIND, key="all"), due=now, unless_dead_since=now - _DAY_S)


async def embed_all_owed(app: Application) -> int:
    """Embed what is owed, batch by batch, and queue the rest after a minute; how many texts were tried.

    Raises: Unavailable; nothing is lost by it.
    """
    tried = 0
    enough = app.clock() + _RUN_S
    while batch := await embed_owed(app, app.postponed):
        tried += batch
        if batch < EMBED_AT_ONCE:
            break
        if app.clock() >= enough:
            await queue_embedding(app)
            break
    return tried


async def _embed(app: Application, owed: Sequence[Owed], postponed: Postponed) -> None:
    try:
        vectors = list(await app.embedder.embed([record.text for record in owed]))
    except InvalidRequest:
        await _embed_each(app, owed, postponed)
        return
    except Unavailable:
        if len(owed) == 1 and not postponed.knows(owed[0]):
            raise
        # In any order, so that a few texts that always fail are not the first ones each time.
        await _embed_each(app, random.sample(owed, len(owed)), postponed)
        return
    await app.memories.set_vectors(
        [(record.id, record.revision, vector) for record, vector in zip(owed, vectors, strict=True)]
    )


async def _embed_each(app: Application, owed: Sequence[Owed], postponed: Postponed) -> None:
    """One by one. What fails while the service answers for others is postponed. Raises: Unavailable, for an outage."""
    outage = min(_OUTAGE, sum(not postponed.knows(record) for record in owed))
    failed: list[Owed] = []
    in_a_row = 0
    for record in owed:
        try:
            await _embed_alone(app, record)
            in_a_row = 0
        except Unavailable:
            if postponed.knows(record):  # which tells nothing about the service
                postponed.failed(record, app.clock())
                continue
            failed.append(record)
            in_a_row += 1
            if in_a_row == outage:
                raise
    for record in failed:
        postponed.failed(record, app.clock())


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
