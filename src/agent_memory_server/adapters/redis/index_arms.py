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

from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.domain.distances import Vector
from agent_memory_server.domain.query import Term

_STOP_WORDS = frozenset(
    """a is the an and are as at be but by for if in into it no not of on or such that their then there these they this
    to was will with""".split()
)
"""The Query Engine's own, which no index of ours changes."""


class IndexArms:
    """Asks one index. ef_runtime: how many records a graph (HNSW) compares for one search, at least."""

    def __init__(self, client: Redis, name: str, *, ef_runtime: int) -> None:
        self._client = client
        self._name = name
        self._ef_runtime = ef_runtime
        self._vectors: tuple[bool, bool] | None = None

    async def nearest(self, query: IndexQuery, vector: Vector, count: int) -> list[str]:
        """Ids of about the nearest `count` records. Raises: Unavailable."""
        graph, _ = await self._kind()
        depth = f" EF_RUNTIME {max(self._ef_runtime, count)}" if graph else ""
        text = f"({query.text})=>[KNN {count} @vector $vector{depth} AS distance_]".replace("(*)", "*")
        asked = _with(query, text, "vector", _blob(vector))
        return await self._ids(asked, "SORTBY", "distance_", limit=count)

    async def within(self, query: IndexQuery, vector: Vector, bound: float) -> IndexQuery:
        """The query of the records of at most this cosine distance. Raises: Unavailable."""
        _, squared = await self._kind()
        radius = bound * (2.0 if squared else 1.0)
        text = f"{query.text} @vector:[VECTOR_RANGE {radius!r} $vector]".replace("* @", "@")
        return _with(query, text, "vector", _blob(vector))

    async def holding(self, query: IndexQuery, limit: int) -> list[str]:
        """Ids of records that a query of words finds, those first that the index ranks first. Raises: Unavailable."""
        return await self._ids(query, "SCORER", "BM25", limit=limit)

    async def _ids(self, query: IndexQuery, *how: str, limit: int) -> list[str]:
        found: Any = await command(
            self._client, "FT.SEARCH", self._name, query.text, *how, "RETURN", "1", "order_", "LIMIT", "0",
            str(limit), "TIMEOUT", "0", *query.arguments(),
        )  # fmt: skip
        rows = [row[b"extra_attributes"] for row in found[b"results"]]
        return [bytes.fromhex(row[b"order_"].decode()).decode() for row in rows if b"order_" in row]

    async def _kind(self) -> tuple[bool, bool]:
        """Whether the index has a graph, and whether its distances are squares of lengths."""
        if self._vectors is None:
            info = await command(self._client, "FT.INFO", self._name)
            told = {key: value for entry in info[b"attributes"] if entry[b"attribute"] == b"vector"
                    for key, value in entry.items()}  # fmt: skip
            self._vectors = told.get(b"algorithm") == b"HNSW", told.get(b"distance_metric") == b"L2"
        return self._vectors


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
