"""Vectors of texts embedded before, in Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command, script
from agent_memory_server.adapters.redis.errors import translating

DEFAULT_ENTRIES = 20_000
"""31 MB of 384-dimensional vectors."""

_AT_ONCE = 256
_FLOAT = np.dtype("<f4")


class RedisVectorCache:
    """`VectorCache` over a hash bounded in entries. The entries stored longest ago go first: a read writes nothing."""

    def __init__(self, client: Redis, *, entries: int = DEFAULT_ENTRIES) -> None:
        self._client = client
        self._entries = entries
        self._keep = script(client, "keep_bounded")

    async def get(self, model: str, digests: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The vectors that are there, by digest; read-only arrays."""
        if not digests:
            return {}
        fields = [keys.vector_field(model, digest) for digest in digests]
        found = await command(self._client, "HMGET", keys.VECTORS, *fields)
        pairs = zip(digests, found, strict=True)
        return {digest: np.frombuffer(blob, dtype=_FLOAT) for digest, blob in pairs if blob is not None}

    async def put(self, model: str, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep vectors. Of more than fit the last ones stay."""
        values: list[bytes] = []
        for digest, vector in vectors.items():
            values += (keys.vector_field(model, digest), np.ascontiguousarray(vector, dtype=_FLOAT).tobytes())
        with translating():
            for start in range(0, len(values), 2 * _AT_ONCE):
                await self._keep(
                    keys=[keys.VECTORS, keys.VECTOR_ORDER, keys.VECTOR_NUMBER],
                    args=[self._entries, *values[start : start + 2 * _AT_ONCE]],
                )
