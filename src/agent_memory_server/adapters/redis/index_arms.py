"""Candidates from the index: the nearest vectors, and the records that hold words best, by the index's own reckoning.

Both only choose which records are read; how these rank is computed from what was read. A word of a query travels as a
parameter, never as text of the query language, and none that the index passes over: a group that begins with two stop
words ends RediSearch 2.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.adapters.redis.shards import Shard, shards_of
from agent_memory_server.domain.distances import Vector
from agent_memory_server.domain.query import Term

_STOP_WORDS = frozenset(
    """a is the an and are as at be but by for if in into it no not of on or such that their then there these they this
    to was will with""".split()
)
"""The Query Engine's own, which no index of ours changes."""


class IndexArms:
    """Asks one index, on every shard.

    prefix: of the records' keys. ef_runtime: how many records a graph (HNSW) compares for one search, at least.
    """

    def __init__(self, client: Redis, name: str, *, prefix: str, ef_runtime: int) -> None:
        self._shards = shards_of(client, name)
        self._prefix = prefix
        self._ef_runtime = ef_runtime
        self._vectors: tuple[bool, bool] | None = None

    async def nearest(self, query: IndexQuery, vector: Vector, count: int) -> list[str]:
        """Ids of about the nearest `count` records. Raises: Unavailable."""
        graph, _ = await self._kind()
        depth = f" EF_RUNTIME {max(self._ef_runtime, count)}" if graph else ""
        text = f"({query.text})=>[KNN {count} @vector $vector{depth} AS distance_]".replace("(*)", "*")
        asked = _with(query, text, "vector", _blob(vector))
        return await self._ids(asked, "SORTBY", "distance_", "WITHSORTKEYS", limit=count)

    async def within(self, query: IndexQuery, vector: Vector, bound: float) -> IndexQuery:
        """The query of the records of at most this cosine distance. Raises: Unavailable."""
        _, squared = await self._kind()
        radius = bound * (2.0 if squared else 1.0)
        text = f"{query.text} @vector:[VECTOR_RANGE {radius!r} $vector]".replace("* @", "@")
        return _with(query, text, "vector", _blob(vector))

    async def holding(self, query: IndexQuery, limit: int) -> list[str]:
        """Ids of records that a query of words finds, those first that the index ranks first. Raises: Unavailable."""
        return await self._ids(query, "SCORER", "BM25", "WITHSCORES", limit=limit)

    async def _ids(self, query: IndexQuery, *how: str, limit: int) -> list[str]:
        async def found(shard: Shard) -> list[tuple[float, bytes]]:
            reply: Any = await command(
                shard.client, "FT.SEARCH", shard.name, query.text, *how, "NOCONTENT", "LIMIT", "0", str(limit),
                "TIMEOUT", "0", *query.arguments(),
            )  # fmt: skip
            return [(_rank(row), row[b"id"]) for row in reply[b"results"]]

        rows = [row for answer in (await self._shards.ask(found)).answers for row in answer]
        start = f"{self._prefix}:"
        named = [key.decode() for _, key in sorted(rows)[:limit]]
        return list(dict.fromkeys(keys.record_id(self._prefix, name) for name in named if name.startswith(start)))

    async def _kind(self) -> tuple[bool, bool]:
        """Whether the index has a graph, and whether its distances are squares of lengths."""
        if self._vectors is None:
            self._vectors = (await self._shards.ask(_kind_of)).answers[0]
        return self._vectors


async def _kind_of(shard: Shard) -> tuple[bool, bool]:
    info = await command(shard.client, "FT.INFO", shard.name)
    told = {key: value for entry in info[b"attributes"] if entry[b"attribute"] == b"vector"
            for key, value in entry.items()}  # fmt: skip
    return told.get(b"algorithm") == b"HNSW", told.get(b"distance_metric") == b"L2"


def _rank(row: dict[bytes, Any]) -> float:
    """The lower the better: the distance, or the negative score."""
    if b"sortkey" in row:
        return float(row[b"sortkey"].removeprefix(b"#"))
    return -float(row[b"score"])


def holding(query: IndexQuery, terms: Sequence[Term], *, every: bool = False) -> IndexQuery | None:
    """The records of a query that hold one of the terms (every: all of them); of a phrase its words, in any order.

    None: the index knows none of the words.
    """
    groups: list[str] = []
    words: list[str] = []
    for term in terms:
        names = []
        for word in dict.fromkeys(term.words):
            if word not in _STOP_WORDS:
                names.append(f"$w{len(words) // 2}")
                words += (f"w{len(words) // 2}", word)
        if names:
            groups.append(f"({' '.join(names)})" if len(names) > 1 else names[0])
    if not groups:
        return None
    text = f"{query.text} @text:({(' ' if every else '|').join(groups)})".replace("* @text", "@text")
    return IndexQuery(text, (*query.params, *words))


def _with(query: IndexQuery, text: str, name: str, value: bytes) -> IndexQuery:
    return IndexQuery(text, (*query.params, name, value))


def _blob(vector: Vector) -> bytes:
    return np.ascontiguousarray(vector, "<f4").tobytes()
