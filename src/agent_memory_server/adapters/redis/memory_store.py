"""Long-term records in Redis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.burials import Burials
from agent_memory_server.adapters.redis.connection import command, told_by_each
from agent_memory_server.adapters.redis.exact import CURRENT, FIELD, token
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.adapters.redis.index import OLDEST_FIRST, Index, IndexOptions
from agent_memory_server.adapters.redis.listing import list_records, matching
from agent_memory_server.adapters.redis.planning import Planner, check_place, until_done
from agent_memory_server.adapters.redis.record_fields import Stored, vector_bytes
from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.adapters.redis.search import RedisSearcher, SearchOptions
from agent_memory_server.adapters.redis.session_index import SessionIndex, SessionOptions
from agent_memory_server.adapters.redis.step import Step
from agent_memory_server.adapters.redis.writing import Changes, labelling, past, restoring, surplus
from agent_memory_server.domain.errors import Conflict, NotFound, Unavailable
from agent_memory_server.domain.filters import Filter, TextField
from agent_memory_server.domain.memory import Memory, Superseding, hash_of
from agent_memory_server.domain.query import Order, Page, Ranked, StoreQuery
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.ports.memory_store import Labels, MemoryWrite, Owed, PutResult, StoreStats, Supersession

ACCESS_INTERVAL_S = 900.0
"""An access less than this after the noted one is not noted: most reads then write nothing."""

_OWED = IndexQuery("@owed_:{1}")
_CURRENT = IndexQuery(f"@{FIELD}:{{{CURRENT}}}")
_UNCOMPARED = "@uncompared_:{1} -@owed_:{1}"
_UNLABELLED = IndexQuery("@unlabelled_:{1}")
_DELETED_AT_ONCE = 500


def _current(changes: Changes, scope: Scope, id_: str, revision: int) -> Memory:
    stored = changes.known.get(id_)
    if stored is None or not scope.allows(stored.memory.namespace, stored.memory.user_id):
        raise NotFound(f'there is no memory "{id_}"')
    if stored.memory.revision != revision or stored.memory.superseded_by:
        raise Conflict(f'memory "{id_}" was changed meanwhile; read it again')
    return stored.memory


class RedisMemoryStore:
    """`MemoryStore` in Redis. Whoever opened the client closes it, after `ensure_index` has run."""

    def __init__(
        self,
        client: Redis,
        options: IndexOptions,
        search: SearchOptions | None = None,
        sessions: SessionOptions | None = None,
        *,
        trouble: Callable[[], str | None] = lambda: None,
    ) -> None:
        """sessions: where those are that `stats` counts. trouble: why the store is not ready yet, if it is not."""
        self._trouble = trouble
        self._client = client
        self._sessions = SessionIndex(client, sessions) if sessions else None
        self._dimensions = options.dimensions
        self._index = Index(client, options.name)
        self._records = Records(client, prefix=options.prefix, index=options.name)
        self._planner = Planner(self._records, self._index)
        self._burials = Burials(client, self._records)
        self._searcher = RedisSearcher(client, options, search or SearchOptions())

    async def close(self) -> None:
        """End what goes on in the background; the client stays open."""
        await self._searcher.close()

    async def search(self, scope: Scope, query: StoreQuery) -> Ranked:
        """See `MemoryStore.search`."""
        return await self._searcher.search(scope, query)

    async def put(
        self, scope: Scope, writes: Sequence[MemoryWrite], *, now: float, deduplicate: bool = False
    ) -> list[PutResult]:
        """See `MemoryStore.put`."""
        for write in writes:
            self._check_dimensions(write.vector)

        results: dict[int, PutResult] = {}
        noted: list[str] = []

        async def attempt() -> list[PutResult] | None:
            waiting = [place for place in range(len(writes)) if place not in results]
            plan = await self._planner.planned(scope, [writes[place] for place in waiting], deduplicate=deduplicate)
            failed = await self._records.change_each(list(plan.changes.steps.values()))
            done = {place: one for place, one in zip(waiting, plan.results, strict=True) if one.id not in failed}
            results.update(done)
            noted.extend(set(plan.noted) - failed)
            return [results[place] for place in range(len(writes))] if len(results) == len(writes) else None

        stored = await until_done(attempt)
        await self._records.note_access(noted, at=now, interval_s=0.0, counted=False)
        return stored

    async def restore(self, scope: Scope, writes: Sequence[MemoryWrite]) -> list[bool]:
        """See `SupportsRestore.restore`."""
        for write in writes:
            check_place(scope, write.memory)
            self._check_dimensions(write.vector)

        ours: set[str] = set()

        async def attempt() -> list[bool] | None:
            known = await self._records.read(write.memory.id for write in writes)
            steps, stored = restoring(writes, {id_: one for id_, one in known.items() if id_ not in ours})
            steps = [step for step in steps if step.id not in ours]
            failed = await self._records.change_each(steps)
            ours.update(step.id for step in steps if step.id not in failed)
            return None if failed else stored

        return await until_done(attempt)

    async def get(self, scope: Scope, ids: Sequence[str]) -> list[Memory]:
        """See `MemoryStore.get`."""
        return [stored.memory for stored in (await self._within(scope, ids)).values()]

    async def _within(self, scope: Scope, ids: Sequence[str]) -> dict[str, Stored]:
        found = await self._records.read(ids)
        return {
            id_: stored for id_, stored in found.items() if scope.allows(stored.memory.namespace, stored.memory.user_id)
        }

    async def update(
        self, scope: Scope, memory: Memory, *, if_revision: int, vector: NDArray[np.float32] | None, text_changed: bool
    ) -> Memory:
        """See `MemoryStore.update`. What accesses noted meanwhile stays noted."""
        self._check_dimensions(vector)
        changes = await self._planner.changes([memory.id])
        before = changes.known.get(memory.id)
        if before is None or not scope.allows(before.memory.namespace, before.memory.user_id):
            raise NotFound(f'there is no memory "{memory.id}"')
        check_place(scope, memory)
        stored = before.memory
        newer = replace(
            memory,
            revision=if_revision + 1,
            memory_hash=memory.memory_hash or hash_of(memory),
            access_count=max(stored.access_count, memory.access_count),
            last_accessed=max(stored.last_accessed, memory.last_accessed),
        )
        keep_vector = not text_changed and memory.text == stored.text
        newer = changes.keep_version(newer, Superseding.EDITED)
        changes.store(newer, None if vector is None else vector_bytes(vector), keep_vector=keep_vector)
        if stored.revision != if_revision or not await self._records.change(list(changes.steps.values())):
            raise Conflict(f'memory "{memory.id}" does not have revision {if_revision} any more; read it again')
        return newer

    async def delete(self, scope: Scope, ids: Sequence[str]) -> int:
        """See `MemoryStore.delete`."""
        wanted = list(dict.fromkeys(ids))
        deleted = 0
        for start in range(0, len(wanted), _DELETED_AT_ONCE):
            deleted += await self._delete(scope, wanted[start : start + _DELETED_AT_ONCE])
        return deleted

    async def _delete(self, scope: Scope, ids: Sequence[str]) -> int:
        deleted: set[str] = set()

        async def attempt() -> int | None:
            doomed = await self._within(scope, ids)
            gone = doomed | await self._past_of(doomed)
            steps = [Step(id=id_, expected=stored.memory.revision, last=id_ in doomed) for id_, stored in gone.items()]
            left = await self._burials.bury(steps, [stored.memory for stored in gone.values()])
            deleted.update(doomed.keys() - left)
            return None if left else len(deleted)

        return await until_done(attempt)

    async def _past_of(self, doomed: Mapping[str, Stored]) -> dict[str, Stored]:
        """Earlier versions of records, and all that they superseded, directly or by others."""
        found: dict[str, Stored] = {}
        waiting = set(doomed) - {""}  # what is superseded by nothing is current
        while waiting:
            names = "|".join(token(TextField.SUPERSEDED_BY, id_) for id_ in sorted(waiting))
            query = IndexQuery(f"@{FIELD}:{{{names}}}")
            more = await self._records.read(await self._index.every(query))
            more = {id_: one for id_, one in more.items() if one.memory.superseded_by in waiting}
            waiting = set(more) - set(found) - set(doomed)
            found |= more
        return {id_: one for id_, one in found.items() if id_ not in doomed}

    async def supersede(self, scope: Scope, step: Supersession) -> Memory:
        """See `MemoryStore.supersede`."""
        self._check_dimensions(step.vector)
        changes = await self._planner.changes([step.by.id, *(id_ for id_, _ in step.gone)])
        by = _current(changes, scope, step.by.id, step.by.revision)
        gone = [_current(changes, scope, id_, revision) for id_, revision in step.gone]
        for memory in gone:
            if (memory.namespace, memory.user_id) != (by.namespace, by.user_id) or memory.id == by.id:
                raise Conflict(
                    f'memory "{memory.id}" cannot be superseded by "{by.id}": they are not two memories of one place'
                )
        if any(memory.pinned for memory in gone):
            raise Conflict("a pinned memory is never superseded")
        newer = replace(
            step.by,
            revision=by.revision + 1,
            access_count=max(by.access_count, step.by.access_count),
            last_accessed=max(by.last_accessed, step.by.last_accessed),
        )
        if newer.text != by.text:  # else it tells what it told before, since the same time
            newer = changes.keep_version(newer, step.because, at=step.at)
        vector = None if step.vector is None else vector_bytes(step.vector)
        changes.store(newer, vector, keep_vector=step.by.text == by.text)
        for memory in gone:
            changes.store(past(memory, step.by.id, step.because, at=step.at), None, keep_vector=True)
        if not await self._records.change(list(changes.steps.values())):
            raise Conflict(f'memory "{by.id}" or one that it supersedes was changed meanwhile; read it again')
        return newer

    async def vectors(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """See `MemoryStore.vectors`."""
        found = await self._records.read_vectors(ids)
        return {id_: np.frombuffer(blob, "<f4") for id_, blob in found.items()}

    async def uncompared(self, scope: Scope, filter_: Filter, *, limit: int) -> Sequence[Memory]:
        """See `MemoryStore.uncompared`."""
        return await matching(self._index, self._records, scope, filter_, among=_UNCOMPARED, limit=limit)

    async def mark_compared(self, records: Sequence[tuple[str, int]]) -> None:
        """See `MemoryStore.mark_compared`."""
        await self._records.mark_compared(records)

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
        return await list_records(
            self._index, self._records, scope, filter_, order=order, limit=limit, offset=offset, cursor=cursor
        )

    async def touch(self, scope: Scope, ids: Sequence[str], *, at: float) -> int:
        """See `MemoryStore.touch`. Changes nothing that is indexed."""
        within = list(await self._within(scope, ids))
        return await self._records.note_access(within, at=at, interval_s=ACCESS_INTERVAL_S, counted=True)

    async def owed_embeddings(self, *, limit: int) -> Sequence[Owed]:
        """See `MemoryStore.owed_embeddings`."""
        found = await self._records.read(await self._index.page(_OWED, OLDEST_FIRST, limit=limit))
        memories = [stored.memory for stored in found.values()]
        return [Owed(id=memory.id, revision=memory.revision, text=memory.text) for memory in memories]

    async def set_vectors(self, vectors: Sequence[tuple[str, int, NDArray[np.float32]]]) -> int:
        """See `MemoryStore.set_vectors`."""
        for _, _, vector in vectors:
            self._check_dimensions(vector)
        return await self._records.set_vectors([(id_, rev, vector_bytes(vector)) for id_, rev, vector in vectors])

    async def unlabelled(self, *, limit: int) -> Sequence[Memory]:
        """See `MemoryStore.unlabelled`."""
        found = await self._records.read(await self._index.page(_UNLABELLED, OLDEST_FIRST, limit=limit))
        return [stored.memory for stored in found.values()]

    async def set_labels(self, labels: Sequence[Labels]) -> int:
        """See `MemoryStore.set_labels`. Each record is one step."""
        before = await self._records.read(one.id for one in labels)
        done = 0
        for one in labels:
            stored = before.get(one.id)
            if stored is not None and stored.memory.revision == one.revision:
                done += await self._records.change([labelling(stored, one)])
        return done

    async def supersede_duplicates(self, scope: Scope, filter_: Filter, *, now: float) -> int:
        """See `MemoryStore.supersede_duplicates`. Each group is one step."""
        superseded = 0
        for kept, gone in surplus(await matching(self._index, self._records, scope, filter_)):
            changes = await self._planner.changes([kept.id, *(memory.id for memory in gone)])
            if any(one.id not in changes.known or changes.known[one.id].memory != one for one in (kept, *gone)):
                continue  # changed meanwhile: the next run looks again
            changes.store(kept, None, keep_vector=True)
            for memory in gone:
                changes.store(past(memory, kept.id, Superseding.MERGED, at=now), None, keep_vector=True)
            if await self._records.change(list(changes.steps.values())):
                superseded += len(gone)
        return superseded

    async def stats(self) -> StoreStats:
        """See `MemoryStore.stats`."""
        memory = await told_by_each(self._client, "memory")
        server = await told_by_each(self._client, "server")
        return StoreStats(
            engine="redis",
            memories=await self._index.count(_CURRENT),
            unembedded=await self._index.count(_OWED),
            sessions=await self._sessions.count(EVERYWHERE, now=None) if self._sessions else 0,
            size_bytes=sum(int(one["used_memory"]) for one in memory),
            details={"redis": str(server[0]["redis_version"])},
        )

    async def ping(self) -> None:
        """See `MemoryStore.ping`. Writes a key of its own, which a server that may not write refuses."""
        if reason := self._trouble():
            raise Unavailable(reason)
        await command(self._client, "SET", keys.PROBE, "1", "EX", "60")

    def _check_dimensions(self, vector: NDArray[np.float32] | None) -> None:
        if vector is not None and len(vector) != self._dimensions:
            raise Unavailable(
                f"the index holds vectors of {self._dimensions} dimensions and this process makes {len(vector)}: the "
                "embedding model was changed meanwhile; restart this process with the EMBEDDING_MODEL of the index"
            )
