"""The embedding model that the stored vectors were made with."""

from __future__ import annotations

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.adoption import Adoption
from agent_memory_server.adapters.redis.changes import KEPT, ChangeWriter
from agent_memory_server.adapters.redis.connection import command, script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.adapters.redis.index import Index, IndexOptions, drop_index, index_dimensions
from agent_memory_server.domain.errors import StartRefused
from agent_memory_server.domain.stored_model import StoredModel

_EMBEDDED = IndexQuery("-@owed_:{1}")


async def stored_model(client: Redis, options: IndexOptions) -> StoredModel | None:
    """The model of the database; None before the first claim. Of one that the reference server wrote only the
    dimensions are known: its model is "". options: whose dimensions do not matter here. Raises: Unavailable."""
    model, dimensions = await command(client, "HMGET", keys.MODEL, "embedding_model", "dimensions")
    if model is not None and dimensions is not None:
        return StoredModel(model.decode(), int(dimensions))
    found = await index_dimensions(client, options.name)
    return None if found is None else StoredModel("", found)


async def claim_model(client: Redis, options: IndexOptions, wanted: StoredModel) -> None:
    """Note the embedding model at first use; afterwards check that it is the same. Of several processes that start at
    once the first decides. A database without any vector takes the model as its own: its index is dropped, when that is
    of other dimensions, and has to be made again.

    Raises: StartRefused, naming both sides and the remedy; Unavailable.
    """
    stored = await stored_model(client, options)
    if stored is not None and not _same(stored, wanted):
        if await _holds_vectors(client, options, stored):
            raise StartRefused(
                f"Redis holds vectors of {stored.model or 'another model'} ({stored.dimensions} dimensions), and the "
                f"settings ask for {wanted.model} ({wanted.dimensions}); set "
                f"{f'EMBEDDING_MODEL={stored.model}' if stored.model else 'EMBEDDING_MODEL to the one they are of'}, "
                "or stop every server on this database and run `agent-memory rebuild-index --re-embed`"
            )
        if stored.dimensions != wanted.dimensions:
            await drop_index(client, options.name)
    elif stored is not None and stored.model:
        return
    await _note(client, wanted)


def _same(stored: StoredModel, wanted: StoredModel) -> bool:
    return stored.dimensions == wanted.dimensions and stored.model in ("", wanted.model)


async def _note(client: Redis, model: StoredModel) -> None:
    await command(client, "HSET", keys.MODEL, "embedding_model", model.model, "dimensions", str(model.dimensions))


async def _holds_vectors(client: Redis, options: IndexOptions, stored: StoredModel) -> bool:
    if await index_dimensions(client, options.name) is None:
        return False
    index = Index(client, options.name)
    return bool(await index.count(_EMBEDDED if stored.model else IndexQuery("*")))


async def forget_vectors(client: Redis, options: IndexOptions, model: StoredModel) -> int:
    """Drop every vector and note the model of those to come; how many records are owed one then. May be cut off and
    run again. options: of the new model; the index is dropped when it has other dimensions, and made again."""
    forget = script(client, "forget_vector")
    await _note(client, model)
    if await index_dimensions(client, options.name) != model.dimensions:
        await drop_index(client, options.name)
    adoption = Adoption(client, options)
    stream = ChangeWriter(client)
    owed = 0
    async for page in adoption.pages():
        told = [(keys.record_id(options.prefix, key.decode("utf-8", "replace")), None) for key in page]
        async with stream.around(told), client.pipeline(transaction=False) as pipe:
            for key in page:
                await forget(keys=[key, *stream.keys], args=[KEPT], client=pipe)
            with translating():
                owed += sum(await pipe.execute())
    return owed
