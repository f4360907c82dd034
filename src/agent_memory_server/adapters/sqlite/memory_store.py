"""The MemoryStore port over a data folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.at_once import may_be_short
from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.duplicates import supersede_duplicates
from agent_memory_server.adapters.sqlite.labels import set_labels, unlabelled
from agent_memory_server.adapters.sqlite.listing import list_records
from agent_memory_server.adapters.sqlite.record_writer import (
    delete_records,
    owed_embeddings,
    put_records,
    restore_records,
    set_vectors,
    stored_memories,
    touch_records,
    update_record,
)
from agent_memory_server.adapters.sqlite.sql import fetch, queries, snapshot
from agent_memory_server.adapters.sqlite.together import Together
from agent_memory_server.adapters.sqlite.versions import mark_compared, supersede, uncompared
from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Order, Page, Ranked, StoreQuery
from agent_memory_server.domain.scope import Scope
from agent_memory_server.ports.memory_store import Labels, MemoryWrite, Owed, PutResult, StoreStats, Supersession


class Ranker(Protocol):
    """Answers ranked questions on a reading connection; keeps its caches in step by itself."""

    def search(self, connection: apsw.Connection, scope: Scope, query: StoreQuery) -> Ranked:
        """See `MemoryStore.search`. Called from several reading threads at once."""
        ...

    def search_at_once(
        self, connection: apsw.Connection, asked: Sequence[tuple[Scope, StoreQuery]]
    ) -> Sequence[Ranked | Exception | None]:
        """The same answers where one takes a fraction of a millisecond; None where it may take longer; what one alone
        raised."""
        ...


class SqliteMemoryStore:
    """Durable memories in a data folder. Whoever opened the database closes it."""

    def __init__(self, database: Database, ranker: Ranker) -> None:
        self._database = database
        self._ranker = ranker
        self._together = Together(self._at_once)

    async def put(
        self, scope: Scope, writes: Sequence[MemoryWrite], *, now: float, deduplicate: bool = False
    ) -> list[PutResult]:
        """See `MemoryStore.put`."""
        return await self._database.write(
            lambda connection: put_records(connection, scope, writes, now=now, deduplicate=deduplicate)
        )

    async def restore(self, scope: Scope, writes: Sequence[MemoryWrite]) -> list[bool]:
        """See `SupportsRestore.restore`."""
        return await self._database.write(lambda connection: restore_records(connection, scope, writes))

    async def get(self, scope: Scope, ids: Sequence[str]) -> list[Memory]:
        """See `MemoryStore.get`."""

        def read(connection: apsw.Connection) -> list[Memory]:
            with snapshot(connection):
                return stored_memories(connection, scope, ids)

        return await self._database.read(read)

    async def update(
        self, scope: Scope, memory: Memory, *, if_revision: int, vector: NDArray[np.float32] | None, text_changed: bool
    ) -> Memory:
        """See `MemoryStore.update`."""
        return await self._database.write(
            lambda connection: update_record(
                connection, scope, memory, if_revision=if_revision, vector=vector, text_changed=text_changed
            )
        )

    async def delete(self, scope: Scope, ids: Sequence[str]) -> int:
        """See `MemoryStore.delete`."""
        return await self._database.write(lambda connection: delete_records(connection, scope, ids))

    async def search(self, scope: Scope, query: StoreQuery) -> Ranked:
        """See `MemoryStore.search`. Short ones are answered on the event loop, a few at a time."""
        if may_be_short(scope, query):
            found = await self._together.ask((scope, query))
            if found is not None:
                return found
        return await self._database.read(lambda connection: self._ranker.search(connection, scope, query))

    def _at_once(self, asked: Sequence[tuple[Scope, StoreQuery]]) -> Sequence[Ranked | Exception | None]:
        found = self._database.read_at_once(lambda connection: self._ranker.search_at_once(connection, asked))
        return [None] * len(asked) if found is None else found

    async def touch(self, scope: Scope, ids: Sequence[str], *, at: float) -> int:
        """See `MemoryStore.touch`."""
        return await self._database.write(lambda connection: touch_records(connection, scope, ids, at=at))

    async def owed_embeddings(self, *, limit: int) -> Sequence[Owed]:
        """See `MemoryStore.owed_embeddings`."""
        return await self._database.read(lambda connection: owed_embeddings(connection, limit))

    async def set_vectors(self, vectors: Sequence[tuple[str, int, NDArray[np.float32]]]) -> int:
        """See `MemoryStore.set_vectors`."""
        return await self._database.write(lambda connection: set_vectors(connection, vectors))

    async def supersede_duplicates(self, scope: Scope, filter_: Filter, *, now: float) -> int:
        """See `MemoryStore.supersede_duplicates`."""
        return await self._database.write(lambda connection: supersede_duplicates(connection, scope, filter_, now=now))

    async def supersede(self, scope: Scope, step: Supersession) -> Memory:
        """See `MemoryStore.supersede`."""
        return await self._database.write(lambda connection: supersede(connection, scope, step))

    async def vectors(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """See `MemoryStore.vectors`."""

        def read(connection: apsw.Connection) -> dict[str, NDArray[np.float32]]:
            rows = fetch(connection, queries("records")["vectors"], (json.dumps(list(ids)),))
            return {row[0]: np.frombuffer(row[1], dtype="<f4") for row in rows}

        return await self._database.read(read)

    async def uncompared(self, scope: Scope, filter_: Filter, *, limit: int) -> Sequence[Memory]:
        """See `MemoryStore.uncompared`."""

        def read(connection: apsw.Connection) -> Sequence[Memory]:
            with snapshot(connection):
                return uncompared(connection, scope, filter_, limit)

        return await self._database.read(read)

    async def mark_compared(self, records: Sequence[tuple[str, int]]) -> None:
        """See `MemoryStore.mark_compared`."""
        await self._database.write(lambda connection: mark_compared(connection, records))

    async def unlabelled(self, *, limit: int) -> Sequence[Memory]:
        """See `MemoryStore.unlabelled`."""

        def read(connection: apsw.Connection) -> Sequence[Memory]:
            with snapshot(connection):
                return unlabelled(connection, limit)

        return await self._database.read(read)

    async def set_labels(self, labels: Sequence[Labels]) -> int:
        """See `MemoryStore.set_labels`."""
        return await self._database.write(lambda connection: set_labels(connection, labels))

    async def stats(self) -> StoreStats:
        """See `MemoryStore.stats`."""
        return await self._database.read(self._stats)

    async def ping(self) -> None:
        """See `MemoryStore.ping`. Takes the write lock, which a read-only or blocked file refuses."""
        await self._database.read(_look)
        await self._database.write(_look)

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
        page = partial(list_records, order=order, limit=limit, offset=offset, cursor=cursor)

        def read(connection: apsw.Connection) -> Page:
            with snapshot(connection):
                return page(connection, scope, filter_)

        return await self._database.read(read)

    def _stats(self, connection: apsw.Connection) -> StoreStats:
        sql = queries("records")
        with snapshot(connection):
            ((memories, unembedded, sessions, scopes, seq),) = fetch(connection, sql["figures"])
            details = dict(fetch(connection, sql["details"]))
        return StoreStats(
            engine="sqlite",
            memories=memories,
            unembedded=unembedded,
            sessions=sessions,
            size_bytes=self._database.size_bytes(),
            details={"sqlite": apsw.sqlite_lib_version(), "scopes": scopes, "seq": seq, **details},
        )


def _look(connection: apsw.Connection) -> None:
    fetch(connection, "SELECT count(*) FROM meta")
