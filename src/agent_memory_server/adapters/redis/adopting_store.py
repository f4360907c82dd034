"""A store over a database that another server wrote: what a call needs is adopted before the call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.redis.adoption import Adoption
from agent_memory_server.domain.filters import EVERYTHING, Filter
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Order, Page, Ranked, StoreQuery
from agent_memory_server.domain.scope import Scope
from agent_memory_server.ports.memory_store import (
    Labels,
    MemoryStore,
    MemoryWrite,
    Owed,
    PutResult,
    StoreStats,
    Supersession,
)


class AdoptingMemoryStore:
    """`MemoryStore` around one of this engine. Once all is adopted, a call costs nothing more."""

    def __init__(self, store: MemoryStore, adoption: Adoption) -> None:
        self._store = store
        self._adoption = adoption

    async def put(
        self, scope: Scope, writes: Sequence[MemoryWrite], *, now: float, deduplicate: bool = False
    ) -> Sequence[PutResult]:
        """See `MemoryStore.put`."""
        if deduplicate and not await self._adoption.complete():
            for namespace, user_id in {(write.memory.namespace, write.memory.user_id) for write in writes}:
                await self._adoption.ensure(Scope(frozenset({namespace}), frozenset({user_id})), EVERYTHING)
        await self._adoption.ensure_ids(write.memory.id for write in writes)
        return await self._store.put(scope, writes, now=now, deduplicate=deduplicate)

    async def get(self, scope: Scope, ids: Sequence[str]) -> Sequence[Memory]:
        """See `MemoryStore.get`."""
        await self._adoption.ensure_ids(ids)
        return await self._store.get(scope, ids)

    async def update(
        self, scope: Scope, memory: Memory, *, if_revision: int, vector: NDArray[np.float32] | None, text_changed: bool
    ) -> Memory:
        """See `MemoryStore.update`."""
        await self._adoption.ensure_ids([memory.id])
        return await self._store.update(
            scope, memory, if_revision=if_revision, vector=vector, text_changed=text_changed
        )

    async def delete(self, scope: Scope, ids: Sequence[str]) -> int:
        """See `MemoryStore.delete`."""
        await self._adoption.ensure_ids(ids)
        return await self._store.delete(scope, ids)

    async def search(self, scope: Scope, query: StoreQuery) -> Ranked:
        """See `MemoryStore.search`."""
        await self._adoption.ensure(scope, query.filter)
        return await self._store.search(scope, query)

    async def list(
        self,
        scope: Scope,
        filter_: Filter,
        *,
        order: Order = Order.NEWEST,
        limit: int,
        offset: int = 0,
        cursor: str | None = None,
    ) -> Page:
        """See `MemoryStore.list`."""
        await self._adoption.ensure(scope, filter_)
        return await self._store.list(scope, filter_, order=order, limit=limit, offset=offset, cursor=cursor)

    async def touch(self, scope: Scope, ids: Sequence[str], *, at: float) -> int:
        """See `MemoryStore.touch`."""
        return await self._store.touch(scope, ids, at=at)

    async def owed_embeddings(self, *, limit: int) -> Sequence[Owed]:
        """See `MemoryStore.owed_embeddings`; what is not adopted yet is found later."""
        return await self._store.owed_embeddings(limit=limit)

    async def set_vectors(self, vectors: Sequence[tuple[str, int, NDArray[np.float32]]]) -> int:
        """See `MemoryStore.set_vectors`."""
        return await self._store.set_vectors(vectors)

    async def supersede(self, scope: Scope, step: Supersession) -> Memory:
        """See `MemoryStore.supersede`."""
        await self._adoption.ensure_ids([step.by.id, *(id_ for id_, _ in step.gone)])
        return await self._store.supersede(scope, step)

    async def vectors(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """See `MemoryStore.vectors`."""
        await self._adoption.ensure_ids(ids)
        return await self._store.vectors(ids)

    async def uncompared(self, scope: Scope, filter_: Filter, *, limit: int) -> Sequence[Memory]:
        """See `MemoryStore.uncompared`; what another server wrote is taken as it is."""
        return await self._store.uncompared(scope, filter_, limit=limit)

    async def mark_compared(self, records: Sequence[tuple[str, int]]) -> None:
        """See `MemoryStore.mark_compared`."""
        await self._store.mark_compared(records)

    async def unlabelled(self, *, limit: int) -> Sequence[Memory]:
        """See `MemoryStore.unlabelled`; what another server wrote is taken as it is."""
        return await self._store.unlabelled(limit=limit)

    async def set_labels(self, labels: Sequence[Labels]) -> int:
        """See `MemoryStore.set_labels`."""
        return await self._store.set_labels(labels)

    async def supersede_duplicates(self, scope: Scope, filter_: Filter, *, now: float) -> int:
        """See `MemoryStore.supersede_duplicates`."""
        await self._adoption.ensure(scope, filter_)
        return await self._store.supersede_duplicates(scope, filter_, now=now)

    async def stats(self) -> StoreStats:
        """See `MemoryStore.stats`. What is not adopted yet is not counted."""
        return await self._store.stats()

    async def taking_over(self) -> str | None:
        """See `TakesOver`."""
        progress = await self._adoption.progress()
        if progress is None or not progress.total:
            return None
        return f"{progress.seen} of about {progress.total} memories of another server were taken over so far"

    async def ping(self) -> None:
        """See `MemoryStore.ping`."""
        await self._store.ping()
