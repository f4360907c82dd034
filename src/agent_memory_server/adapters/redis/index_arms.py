"""Candidates from the index: the nearest vectors, and the records that hold words best, by the index's own reckoning.

Both only choose which records are read; how these rank is computed from what was read. The index's own reckoning is
BM25 over our words (`stems`), with the frequencies of the whole index. A word of a query travels as a parameter, never
as text of the query language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.exact import WORDED
from agent_memory_server.adapters.redis.filter_query import IndexQuery, also
from agent_memory_server.adapters.redis.shards import Shard, shards_of
from agent_memory_server.adapters.redis.stems import FIELD, stem
from agent_memory_server.domain.distances import Vector
from agent_memory_server.domain.query import Term

_STOP_WORDS = frozenset(
    """a is the an and are as at be but by for if in into it no not of on or such that their then there these they this
    to was will with""".split()
)
"""The Query Engine's own, which no index of ours changes."""


_WORDS_WEIGH = "1000.0"
_FARTHEST = 2.1
"""More than any cosine distance."""


class IndexArms:
    """Asks one index, on every shard.

    prefix: of the records' keys. ef_runtime: how many records a graph (HNSW) compares for one search, at least.
    """

    def __init__(self, client: Redis, name: str, *, prefix: str, ef_runtime: int) -> None:
        self._shards = shards_of(client, name)
        self._prefix = prefix
        self._ef_runtime = ef_runtime
        self._client = client
        self._made: _Made | None = None
        self._worded = False

    async def nearest(self, query: IndexQuery, vector: Vector, count: int) -> list[str]:
        """Ids of about the nearest `count` records. Raises: Unavailable."""
        made = await self._how()
        depth = f" EF_RUNTIME {max(self._ef_runtime, count)}" if made.graph else ""
        text = f"({query.text})=>[KNN {count} @vector $vector{depth} AS distance_]".replace("(*)", "*")
        asked = _with(query, text, "vector", _blob(vector))
        return await self._ids(asked, "SORTBY", "distance_", "WITHSORTKEYS", limit=count)

    async def within(self, query: IndexQuery, vector: Vector, bound: float) -> IndexQuery:
        """The query of the records of at most this cosine distance. Raises: Unavailable."""
        radius = min(bound, _FARTHEST) * (2.0 if (await self._how()).squared else 1.0)
        text = f"{query.text} @vector:[VECTOR_RANGE {radius!r} $vector]".replace("* @", "@")
        return _with(query, text, "vector", _blob(vector))

    async def holding(self, query: IndexQuery, limit: int) -> list[str]:
        """Ids of records that a query of words finds, those first that the index ranks first. Raises: Unavailable."""
        return await self._ids(query, "SCORER", "BM25STD", "WITHSCORES", limit=limit)

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

    async def older(self) -> bool:
        """Whether some records may have no words of ours yet, and the index knows others: see `holding`."""
        if not self._worded:
            noted = await command(self._client, "HGET", keys.adoption(self._prefix), "words")
            self._worded = noted == WORDED.encode()
        return not self._worded and (await self._how(again=True)).text

    async def _how(self, *, again: bool = False) -> _Made:
        if self._made is None or again:
            self._made = _Made.of((await self._shards.ask(_attributes)).answers)
        return self._made


@dataclass(frozen=True, slots=True)
class _Made:
    """How the index was made, on all shards. graph: its vectors have one (HNSW); squared: distances are squares of
    lengths (L2); text: it reads texts itself."""

    graph: bool
    squared: bool
    text: bool

    @staticmethod
    def of(shards: Sequence[Mapping[bytes, Any]]) -> _Made:
        vectors = [attributes.get(b"vector", {}) for attributes in shards]
        return _Made(
            graph=any(one.get(b"algorithm") == b"HNSW" for one in vectors),
            squared=any(one.get(b"distance_metric") == b"L2" for one in vectors),
            text=all(b"text" in attributes for attributes in shards),
        )


async def _attributes(shard: Shard) -> Mapping[bytes, Any]:
    info = await command(shard.client, "FT.INFO", shard.name)
    return {entry[b"attribute"]: entry for entry in info[b"attributes"]}


def _rank(row: dict[bytes, Any]) -> float:
    """The lower the better: the distance, or the negative score."""
    if b"sortkey" in row:
        return float(row[b"sortkey"].removeprefix(b"#"))
    return -float(row[b"score"])


def holding(query: IndexQuery, terms: Sequence[Term], *, every: bool = False, older: bool = False) -> IndexQuery | None:
    """The records of a query that hold one of the terms (every: all of them); of a phrase its words, in any order.

    older: also by the words that the index itself reads in texts, for records that have none of ours yet.
    None: there is no word.
    """
    spelling = _Spelling(older=older)
    groups = [spelling.group(term) for term in terms if term.words]
    if not groups:
        return None
    found = f"({(' ' if every else '|').join(groups)})"
    # The index scores what narrows the search as well: rare users' records would come first.
    held = f"({found if older else f'@{FIELD}:{found}'})=>{{$weight: {_WORDS_WEIGH}}}"
    return also(IndexQuery(query.text, (*query.params, *spelling.params)), held)


class _Spelling:
    """Terms in the query language; params: the words it names."""

    def __init__(self, *, older: bool) -> None:
        self._older = older
        self.params: list[str] = []

    def group(self, term: Term) -> str:
        found = [self._word(word) for word in dict.fromkeys(term.words)]
        return f"({' '.join(found)})" if len(found) > 1 else found[0]

    def _word(self, word: str) -> str:
        ours = self._named(stem(word))
        if not self._older:
            return ours
        # A group that begins with two of the index's stop words ends RediSearch 2.10.
        theirs = "" if word in _STOP_WORDS else f"|@text:{self._named(word)}"
        return f"(@{FIELD}:{ours}{theirs})"

    def _named(self, word: str) -> str:
        name = f"w{len(self.params) // 2}"
        self.params += (name, word)
        return f"${name}"


def _with(query: IndexQuery, text: str, name: str, value: bytes) -> IndexQuery:
    return IndexQuery(text, (*query.params, name, value))


def _blob(vector: Vector) -> bytes:
    return np.ascontiguousarray(vector, "<f4").tobytes()
