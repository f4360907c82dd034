"""Durable memories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.memory import Memory, Superseding
from agent_memory_server.domain.query import Order, Page, Ranked, StoreQuery
from agent_memory_server.domain.scope import Scope


class PutStatus(StrEnum):
    """What became of a record that was put."""

    CREATED = "created"
    REPLACED = "replaced"
    """a record with this id was there, in a place the caller may write, and now holds the new content"""
    DUPLICATE = "duplicate"
    """the same content is stored under another id in the same place; that record's last access is now"""
    DELETED = "deleted"
    """a record that said this was read out of the same message before, and was deleted; nothing was written"""
    REFUSED = "refused"
    """the id belongs to a record outside the caller's scope, or is no fallback after all; nothing was written"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWrite:
    """A record to store.

    vector: unit length, or None: the record is stored and found by words, and its embedding is owed, unless it
        replaces a record of equal text, whose vector it keeps.
    fallback_id: taken instead of the record's id when a record of another place (namespace, user, session) or of
        another memory type holds that id; refused when such a record holds this one too. None replaces whatever
        record has the id (or is refused, outside the scope).
    """

    memory: Memory
    vector: NDArray[np.float32] | None = None
    fallback_id: str | None = None


@dataclass(frozen=True, slots=True)
class PutResult:
    """id: the id the content is stored under (for a duplicate: the id of the record that was there)."""

    id: str
    status: PutStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A record whose embedding is missing."""

    id: str
    revision: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Topics and entities that the record of this id and revision is to have."""

    id: str
    revision: int
    topics: tuple[str, ...]
    entities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Supersession:
    """One record takes the place of others.

    by:   the record as it is to be, with the revision that it was read at; of a new text the earlier version is kept.
    gone: (id, revision) of those that it supersedes; never pinned ones.
    at:   Unix seconds, until when these were valid, and since when a new text is.
    vector: of a new text; None then makes it owed.
    """

    by: Memory
    gone: Sequence[tuple[str, int]]
    because: Superseding
    at: float
    vector: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """Figures of a store. `size_bytes` is what it takes on disk; `unembedded` the records without a vector."""

    engine: str
    memories: int
    unembedded: int
    sessions: int
    size_bytes: int
    details: dict[str, Any] = field(default_factory=dict)


class MemoryStore(Protocol):
    """Durable memories. Each call is atomic; what a completed call wrote is seen by the next read.

    Ids are unique in the whole store, exact and case-sensitive. Every call takes a Scope: records outside it do
    not exist for the call. Superseded records and earlier versions are read by id, and by a filter that asks for the
    past; to every other call they do not exist.

    A failed engine raises Unavailable; nothing is ever answered from a failure.
    """

    async def put(
        self, scope: Scope, writes: Sequence[MemoryWrite], *, now: float, deduplicate: bool = False
    ) -> Sequence[PutResult]:
        """Store records in one step, in order (of two with one id the later stays); results in the same order.

        Replacing keeps the older record's `persisted_at`, raises its revision and, where it tells something else now,
        keeps the earlier version (`domain.memory.version_id`; not of messages); a superseded record is current again.
        deduplicate: a record whose
        content hash equals that of a stored one in the same namespace, user and session is not stored.
        Raises: Forbidden, when a record's own namespace and user lie outside the scope (nothing is written).
        """
        ...

    async def get(self, scope: Scope, ids: Sequence[str]) -> Sequence[Memory]:
        """The records that exist, in the order of the ids."""
        ...

    async def update(
        self, scope: Scope, memory: Memory, *, if_revision: int, vector: NDArray[np.float32] | None, text_changed: bool
    ) -> Memory:
        """Replace a record's content if its stored revision is still `if_revision`; answers what is stored now.
        Where it tells something else than before, the earlier version is kept, as by `put`.

        vector: the new embedding when the text changed; None then makes it owed. Ignored when the text stayed.
        Raises: NotFound; Conflict, when the revision differs; Forbidden, when the new place lies outside the scope.
        """
        ...

    async def delete(self, scope: Scope, ids: Sequence[str]) -> int:
        """Delete records with their earlier versions and all that they superseded; how many of the ids there were.
        Idempotent. What was read out of messages is not stored again when it is read out of them again
        (`SessionStore.mark_extracted`; `domain.burial`), until a caller stores it."""
        ...

    async def search(self, scope: Scope, query: StoreQuery) -> Ranked:
        """Rank records: by distance (vector alone), by words (terms alone), or fused (both). A page behind the end is
        empty. The domain decides every order; an engine delivers raw material, so that engines rank alike:

        - the ARM_DEPTH nearest records by stored vector, and the ARM_DEPTH best by `ranking.bm25` over their own words
          with `k1 = ranking.K1`; in keyword mode the best `fusion.WORD_DEPTH`. Frequencies, records and mean length are
          those of the namespaces and users searched, whatever else is filtered and whoever else is in the store;
        - for hybrid mode, behind them, the turns directly beside those that the words found, where they are within
          scope and filter and have a vector or hold a word (an engine may leave them out of a scope too wide for it);
        - for each of these candidates what `fusion.Candidates` asks for: raw distance, word codes and vectors of the
          record and of up to two turns on each side, and its speaker. Neighbours are the message records of the same
          namespace, user and session that exist now, by `created_at`, then `persisted_at`, then the order of storing.

        Ties are broken by the order of storing. Behind the candidates follow the rest by distance (hybrid) or by BM25
        (keyword), then records without a vector that hold the words.
        """
        ...

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
        """Records by filter. With a cursor (from an earlier page of the same order) the offset is ignored; a walk
        by cursor sees every record that exists throughout, once. Raises: InvalidRequest for a foreign cursor."""
        ...

    async def touch(self, scope: Scope, ids: Sequence[str], *, at: float) -> int:
        """Note an access: `last_accessed` = at, `access_count` + 1, where the last access is 900 s or longer ago.
        Records deleted meanwhile stay deleted. Changes no revision and no ranking by words or vectors."""
        ...

    async def owed_embeddings(self, *, limit: int) -> Sequence[Owed]:
        """Records without a vector, oldest first, over all scopes (upkeep)."""
        ...

    async def set_vectors(self, vectors: Sequence[tuple[str, int, NDArray[np.float32]]]) -> int:
        """Fill in embeddings: (id, revision, vector). Where the record is gone or has another revision nothing
        happens. Returns how many were set."""
        ...

    async def supersede(self, scope: Scope, step: Supersession) -> Memory:
        """Let a record take the place of others, in one step; answers it as it is stored now.

        Those become superseded (with `superseded_by`, `superseded_because` and `valid_until`, one revision higher).
        Raises, with nothing changed: NotFound; Conflict, when one of the revisions differs, one of them is superseded
        already, is pinned, or lies in another namespace or user.
        """
        ...

    async def vectors(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The embeddings of records by id, of whatever scope (upkeep); ids without one are left out."""
        ...

    async def uncompared(self, scope: Scope, filter_: Filter, *, limit: int) -> Sequence[Memory]:
        """Current records by filter that have an embedding and were not compared with the others of their place since
        their text was stored (upkeep). Messages are never among them."""
        ...

    async def mark_compared(self, records: Sequence[tuple[str, int]]) -> None:
        """Note that records (id, revision) were compared. Where one has another revision nothing happens."""
        ...

    async def unlabelled(self, *, limit: int) -> Sequence[Memory]:
        """Current records without topics or without entities that `set_labels` was not called for since their text was
        stored, over all scopes (upkeep). Messages are never among them."""
        ...

    async def set_labels(self, labels: Sequence[Labels]) -> int:
        """Give records topics and entities, and note that this was done. A record that changes by it is one revision
        higher; no earlier version is kept, and its embedding stays. Where a record is gone or has another revision
        nothing happens. Returns how many still had it."""
        ...

    async def supersede_duplicates(self, scope: Scope, filter_: Filter, *, now: float) -> int:
        """Of each group of current records with equal content hash in one namespace, user and session keep the one
        accessed last (ties: by id); the others become superseded by it, as merged and valid until now (pinned ones and
        messages never). How many did. What the one that stays held stays as it was, with its revision."""
        ...

    async def stats(self) -> StoreStats:
        """Figures for health checks and operators."""
        ...

    async def ping(self) -> None:
        """A real read and a check that writing is possible. Raises: Unavailable."""
        ...


@runtime_checkable
class TakesOver(Protocol):
    """A store over what another server wrote."""

    async def taking_over(self) -> str | None:
        """How far it is with what it has to take over, for people; None when nothing is left. Raises: Unavailable."""
        ...


@runtime_checkable
class SupportsRestore(Protocol):
    """A store that takes records as they were in another store."""

    async def restore(self, scope: Scope, writes: Sequence[MemoryWrite]) -> Sequence[bool]:
        """Store records exactly as they are, in one step: revision, times, marks, and what superseded them.

        A record whose id is there is left alone, so doing it again changes nothing. Answers for each write whether
        it was stored. `fallback_id` has no effect; a vector of None is owed.
        Raises: Forbidden, when a record lies outside the scope (nothing is written).
        """
        ...
