"""No embedding call is made twice for the same text while it is remembered."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.texts import refuse_broken
from agent_memory_server.adapters.providers.wrappers.recent import RecentVectors
from agent_memory_server.adapters.providers.wrappers.wrapper import Wrapper
from agent_memory_server.domain.errors import MemoryServerError, Unavailable
from agent_memory_server.ports.embedder import Embedder
from agent_memory_server.ports.vector_cache import VectorCache

Vector = NDArray[np.float32]


class _Pending:
    """A vector that some call is getting. Afterwards `outcome` holds it, or why not; None: that call was cancelled."""

    __slots__ = ("done", "outcome")

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.outcome: Vector | MemoryServerError | None = None


class Cached(Wrapper):
    """Remembers vectors by the SHA-256 of their text, in memory and, if given one, in a durable cache.

    A text that several calls want at the same time is computed by one of them. A durable cache that fails is done
    without: it only saves work.
    """

    def __init__(self, inner: Embedder, *, limit_bytes: int, durable: VectorCache | None = None) -> None:
        super().__init__(inner)
        self._recent = RecentVectors(limit_bytes)
        self._durable = durable
        self._pending: dict[bytes, _Pending] = {}

    async def embed(self, texts: Sequence[str]) -> Vector:
        """See Embedder."""
        refuse_broken(texts)
        digests = [hashlib.sha256(text.encode("utf-8")).digest() for text in texts]
        wanted = dict(zip(digests, texts, strict=True))
        found: dict[bytes, Vector] = {}
        while missing := self._missing(wanted, found):
            own = {digest: wanted[digest] for digest in missing if digest not in self._pending}
            others = {digest: self._pending[digest] for digest in missing if digest not in own}
            if own:
                found |= await self._get(own)  # before waiting: two calls that wait for each other would wait for ever
            for digest, pending in others.items():
                await pending.done.wait()
                if isinstance(pending.outcome, MemoryServerError):
                    raise pending.outcome
                if pending.outcome is not None:
                    found[digest] = pending.outcome
        rows = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, digest in zip(rows, digests, strict=True):
            row[:] = found[digest]
        return rows

    def _missing(self, wanted: Mapping[bytes, str], found: dict[bytes, Vector]) -> list[bytes]:
        missing = []
        for digest in wanted:
            if digest in found:
                continue
            if (vector := self._recent.find(digest)) is None:
                missing.append(digest)
            else:
                found[digest] = vector
        return missing

    async def _get(self, wanted: Mapping[bytes, str]) -> dict[bytes, Vector]:
        """The vectors of texts that no other call is getting; tells the calls that come to wait for them."""
        pending = {digest: _Pending() for digest in wanted}
        self._pending |= pending
        outcomes: Mapping[bytes, Vector | MemoryServerError] = {}
        try:
            vectors = await self._kept(wanted)
            vectors |= await self._computed({digest: text for digest, text in wanted.items() if digest not in vectors})
            outcomes = vectors
        except MemoryServerError as exc:
            outcomes = dict.fromkeys(wanted, exc)
            raise
        finally:
            for digest, waiting in pending.items():
                del self._pending[digest]
                waiting.outcome = outcomes.get(digest)
                waiting.done.set()
        for digest, vector in vectors.items():
            self._recent.put(digest, vector)
        return vectors

    async def _computed(self, wanted: Mapping[bytes, str]) -> dict[bytes, Vector]:
        if not wanted:
            return {}
        rows = await self._inner.embed(list(wanted.values()))
        vectors = dict(zip(wanted, rows, strict=True))
        if self._durable is not None:
            with contextlib.suppress(Unavailable):
                await self._durable.put(self.model, vectors)
        return vectors

    async def _kept(self, wanted: Mapping[bytes, str]) -> dict[bytes, Vector]:
        if self._durable is None:
            return {}
        try:
            vectors = await self._durable.get(self.model, list(wanted))
        except Unavailable:
            return {}
        # The model's name does not tell how many dimensions it was asked for.
        return {digest: vector for digest, vector in vectors.items() if vector.shape == (self.dimensions,)}
