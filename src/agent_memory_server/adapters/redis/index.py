"""The index over long-term records: the reference server's fields, and ours behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from agent_memory_server.adapters.redis import stems
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.exact import FIELD
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.adapters.redis.shards import (
    MOST_FOUND,
    Rows,
    Shard,
    cut,
    ensure_on,
    limits,
    merged,
    rows_of,
    shards_of,
)
from agent_memory_server.domain.errors import StartRefused, Unavailable

_TAGS_BEFORE = ("session_id", "user_id", "namespace", "memory_type", "topics", "entities", "memory_hash",
                "discrete_memory_extracted", "extraction_strategy")  # fmt: skip
_TAGS_BEHIND = ("pinned", "extracted_from", "id_")
_NUMBERS = ("access_count", "created_at", "last_accessed", "updated_at", "persisted_at", "event_date")
_OTHERS: Sequence[tuple[str, Sequence[str]]] = (
    *((name, ("TAG", "SEPARATOR", ",")) for name in (*_TAGS_BEFORE, *_TAGS_BEHIND)),
    *((name, ("NUMERIC",)) for name in _NUMBERS),
)
"""Fields that an index made by an older version of the reference server may lack."""
_OWN: Sequence[tuple[str, Sequence[str]]] = (
    (FIELD, ("TAG", "SEPARATOR", ",", "CASESENSITIVE")),
    ("owed_", ("TAG",)),
    ("uncompared_", ("TAG",)),
    ("unlabelled_", ("TAG",)),
    (stems.FIELD, ("TEXT", "NOSTEM")),
)
_WITHOUT_LIMIT = ("TIMEOUT", "0")
"""A query that the server gives up half-way would answer with a part; the client's own deadline is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """How the index is made.

    text: whether texts are also indexed as the reference server does, for searches of its own by words.
    m, ef_construction: of HNSW. Searches rank in memory (`search`), and ask the index for the nearest vectors only in
    places too large for that; so a write that costs little counts more here than a graph that needs few steps.
    """

    name: str = "memory_records"
    prefix: str = "memory_idx"
    dimensions: int
    algorithm: Literal["HNSW", "FLAT"] = "HNSW"
    metric: Literal["COSINE", "IP", "L2"] = "COSINE"
    m: int = 8
    ef_construction: int = 32
    text: bool = False


def _schema(options: IndexOptions, *, loads: bool) -> list[str]:
    vector = ["TYPE", "FLOAT32", "DIM", str(options.dimensions), "DISTANCE_METRIC", options.metric]
    if options.algorithm == "HNSW":
        vector += ["M", str(options.m), "EF_CONSTRUCTION", str(options.ef_construction)]
    fields = ["text", "TEXT"] if options.text else []
    for name in _TAGS_BEFORE:
        fields += [name, "TAG", "SEPARATOR", ","]
    fields += ["extraction_strategy_config", "TEXT", "metadata", "TEXT"]
    for name in _TAGS_BEHIND:
        fields += [name, "TAG", "SEPARATOR", ","]
    for name in _NUMBERS:
        fields += [name, "NUMERIC", *(("SORTABLE",) if name == "created_at" and not loads else ())]
    fields += ["vector", "VECTOR", options.algorithm, str(len(vector)), *vector]
    for name, kind in _OWN:
        fields += [name, *kind]
    return fields if loads else [*fields, "order_", "TAG", "CASESENSITIVE", "SORTABLE", "UNF", "NOINDEX"]


async def ensure_index(client: Redis, options: IndexOptions) -> bool:
    """Make the index, or add our fields to one that the reference server made. Several processes may do so at once.

    Returns: whether it was made: records that are there already are then found only when Redis has read them all.
    Raises: StartRefused, when the server cannot search, or its vectors have other dimensions.
    """

    async def ensure(shard: Shard) -> bool:
        return await _ensure(shard, replace(options, name=shard.name))

    return await ensure_on(client, options.name, ensure)


async def _ensure(shard: Shard, options: IndexOptions) -> bool:
    client = shard.client
    info = await _info(client, options.name)
    if info is None:
        try:
            await create_index(client, options, loads=shard.loads)
        except Unavailable as exc:
            info = await _info(client, options.name)  # somebody else may have made it meanwhile
            if info is None:
                raise StartRefused(
                    "REDIS_URL names a Redis without the Query Engine, or one that cannot make an index; use Redis 8 "
                    f"or Redis Stack 7.4 ({exc})"
                ) from exc
        else:
            return True
    await _with_own_fields(client, options, info)
    return False


async def create_index(client: Redis, options: IndexOptions, *, loads: bool = True) -> None:
    """Make the index. loads: see `Shard`. Raises: Unavailable, also when there is one of this name."""
    # Places of words within a text are needed for nothing: phrases are looked for in what was read.
    made = ("ON", "HASH", "PREFIX", "1", options.prefix, "NOOFFSETS", "SCHEMA", *_schema(options, loads=loads))
    await command(client, "FT.CREATE", options.name, *made)


async def _info(client: Redis, name: str) -> dict[bytes, Any] | None:
    """What Redis tells of the index, whether it has this name or the name stands for it; None when there is none."""
    try:
        found: dict[bytes, Any] = await command(client, "FT.INFO", name)
    except Unavailable as exc:
        if isinstance(exc.__cause__, ResponseError):
            return None
        raise
    return found


async def index_dimensions(client: Redis, name: str) -> int | None:
    """Of the vectors of an index; None when there is no index. Raises: Unavailable."""
    for shard in await shards_of(client, name).existing():
        info = await _info(shard.client, shard.name)
        attributes = {_word(entry[b"attribute"]): entry for entry in info[b"attributes"]} if info else {}
        if "vector" in attributes:
            return int(attributes["vector"][b"dim"])
    return None


async def drop_index(client: Redis, name: str) -> None:
    """Drop the index, whether it has this name or the name stands for it, if there is one; its records stay."""
    for shard in await shards_of(client, name).existing():
        info = await _info(shard.client, shard.name)
        if info is not None:
            real = _word(info[b"index_name"])
            if real != shard.name:
                await command(shard.client, "FT.ALIASDEL", shard.name)
            await command(shard.client, "FT.DROPINDEX", real)


async def _with_own_fields(client: Redis, options: IndexOptions, info: dict[bytes, Any]) -> None:
    attributes = {_word(entry[b"attribute"]): entry for entry in info[b"attributes"]}
    dimensions = int(attributes.get("vector", {}).get(b"dim", options.dimensions))
    if dimensions != options.dimensions:
        raise StartRefused(
            f"the index {options.name} holds vectors of {dimensions} dimensions, and EMBEDDING_MODEL makes "
            f"{options.dimensions}; set the model that the index was made with"
        )
    for name, kind in (*_OTHERS, *_OWN):
        if name not in attributes:
            try:
                await command(client, "FT.ALTER", options.name, "SCHEMA", "ADD", name, *kind)
            except Unavailable:
                again = await command(client, "FT.INFO", options.name)
                if name not in {_word(entry[b"attribute"]) for entry in again[b"attributes"]}:
                    raise


def _word(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


@dataclass(frozen=True, slots=True)
class Sorting:
    """Order by creation (newest or oldest first) and id, or by id alone."""

    by: Sequence[str]


NEWEST_FIRST = Sorting(("@created_at", "DESC", "@order_", "ASC"))
OLDEST_FIRST = Sorting(("@created_at", "ASC", "@order_", "ASC"))
BY_ID = Sorting(("@order_", "ASC"))


class Index:
    """Questions to the index that have exact answers, of any size, put together from all shards."""

    def __init__(self, client: Redis, name: str) -> None:
        self._shards = shards_of(client, name)
        self.name = name

    async def count(self, query: IndexQuery) -> int:
        """How many records the query finds."""

        asked = await self._shards.ask(lambda shard: self._count(shard, query))
        return len(await self.every(query)) if asked.twice else sum(asked.answers)

    @staticmethod
    async def _count(shard: Shard, query: IndexQuery) -> int:
        reply = await command(
            shard.client, "FT.SEARCH", shard.name, query.text, "NOCONTENT", "LIMIT", "0", "0", *_WITHOUT_LIMIT,
            *query.arguments(),
        )  # fmt: skip
        return int(reply[b"total_results"])

    async def page(
        self, query: IndexQuery, sorting: Sorting, *, limit: int, offset: int = 0, condition: str | None = None
    ) -> list[str]:
        """Ids of the records in order. condition: an expression over the fields of the order, of ours."""
        narrowed = ["FILTER", condition] if condition else []

        async def page(shard: Shard) -> Rows:
            loaded = ("LOAD", "2", "@created_at", "@order_") if shard.loads else ()
            reply = await command(
                shard.client, "FT.AGGREGATE", shard.name, query.text, *loaded, *narrowed,
                "SORTBY", str(len(sorting.by)), *sorting.by, "MAX", str(offset + limit),
                "LIMIT", *limits(self._shards, limit=limit, offset=offset), *_WITHOUT_LIMIT, *query.arguments(),
            )  # fmt: skip
            return rows_of(reply)

        rows = merged((await self._shards.ask(page)).answers, sorting.by, key="order_")
        return [_id(row) for row in cut(self._shards, rows, limit=limit, offset=offset)]

    async def every(self, query: IndexQuery, *, at_once: int = 1_000) -> list[str]:
        """Ids of all the records, in no order."""

        async def every(shard: Shard) -> Rows:
            told = ("LOAD", "1", "@order_") if shard.loads else ("APPLY", "@order_", "AS", "order_")
            return await self._walk(shard, query, told, at_once)

        return [_id(row) for row in merged((await self._shards.ask(every)).answers, (), key="order_")]

    async def sample(self, query: IndexQuery, *, parts: int, each: int) -> list[str]:
        """Ids of some of the records, from so many places of the index, of each shard."""

        async def some(shard: Shard) -> list[Rows]:
            records = await self._count(shard, query)
            told = ("LOAD", "1", "@order_") if shard.loads else ("APPLY", "@order_", "AS", "order_")
            starts = range(0, records, max(-(-records // parts), each))
            return [
                rows_of(await command(
                    shard.client, "FT.AGGREGATE", shard.name, query.text, "LIMIT", str(start), str(each), *told,
                    *_WITHOUT_LIMIT, *query.arguments(),
                ))
                for start in starts
            ]  # fmt: skip

        answers = [rows for found in (await self._shards.ask(some)).answers for rows in found]
        return list(dict.fromkeys(_id(row) for rows in answers for row in rows))

    async def every_key(self, query: IndexQuery, *, at_once: int = 1_000) -> list[bytes]:
        """Keys of all the records, in no order: also of those that have none of our fields."""

        async def every(shard: Shard) -> list[bytes]:
            if shard.loads:
                return [row[b"__key"] for row in await self._walk(shard, query, ("LOAD", "1", "@__key"), at_once)]
            found = await command(
                shard.client, "FT.SEARCH", shard.name, query.text, "NOCONTENT", "LIMIT", "0", MOST_FOUND,
                *_WITHOUT_LIMIT, *query.arguments(),
            )  # fmt: skip
            return [row[b"id"] for row in found[b"results"]]

        return list(dict.fromkeys(key for answer in (await self._shards.ask(every)).answers for key in answer))

    @staticmethod
    async def _walk(shard: Shard, query: IndexQuery, told: Sequence[str], at_once: int) -> Rows:
        found, cursor = await command(
            shard.client, "FT.AGGREGATE", shard.name, query.text, *told, *_WITHOUT_LIMIT,
            "WITHCURSOR", "COUNT", str(at_once), *query.arguments(),
        )  # fmt: skip
        rows = rows_of(found)
        while cursor:
            found, cursor = await command(
                shard.client, "FT.CURSOR", "READ", shard.name, str(cursor), "COUNT", str(at_once)
            )
            rows += rows_of(found)
        return rows


def _id(row: dict[bytes, bytes]) -> str:
    return bytes.fromhex(row[b"order_"].decode()).decode()
