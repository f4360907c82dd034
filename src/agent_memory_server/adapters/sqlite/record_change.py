"""One change of stored records: every table that follows a record is kept in step, inside one transaction."""

from __future__ import annotations

from dataclasses import dataclass

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.filter_sql import TAG_KINDS
from agent_memory_server.adapters.sqlite.rows import stored_values, strings
from agent_memory_server.adapters.sqlite.scope_numbers import ScopeNumbers
from agent_memory_server.adapters.sqlite.sql import fetch, fetch_row, queries
from agent_memory_server.adapters.sqlite.vectors import sketch_blob, vector_blob
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.filters import TagField
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.words import word_codes, words

KEPT_TOMBSTONES = 100_000
"""A process that is more deletions behind than this loads its caches anew."""

PRUNE_EVERY = 256
"""Change numbers between two looks at how many tombstones there are."""

_TOPICS, _ENTITIES = TAG_KINDS[TagField.TOPICS], TAG_KINDS[TagField.ENTITIES]


def next_seq(connection: apsw.Connection) -> int:
    """The number of this change: greater than every one before, and committed with it."""
    ((seq,),) = fetch(connection, queries("records")["next_seq"])
    return int(seq)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a change needs to know of a record that is there."""

    rid: int
    id: str
    namespace: str
    user_id: str
    session_id: str
    memory_type: str
    revision: int
    persisted_at: float | None
    text: str
    topics: tuple[str, ...]
    entities: tuple[str, ...]
    embedded: bool
    access_count: int
    last_accessed: float
    superseded_by: str


def find_stored(connection: apsw.Connection, id_: str) -> Stored | None:
    """The record with this id, in whatever scope."""
    row = fetch_row(connection, queries("records")["stored"], (id_,))
    if row is None:
        return None
    *others, topics, entities, embedded, access_count, last_accessed, superseded_by = row
    values = (*others, strings(topics), strings(entities), bool(embedded), access_count, last_accessed, superseded_by)
    return Stored(*values)


class RecordChange:
    """Inserts, replaces and removes records under one change number; `finish` completes it.

    Use within one write transaction. Each call leaves memories, tags, words, fts, vecs and sketch in step; the
    figures of the scopes and the bound on tombstones follow in `finish`.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._run = connection.execute
        self._connection = connection
        self._sql = queries("records")
        self._numbers = ScopeNumbers(connection)
        self._buried = 0
        self._dimensions: int | None = None
        self.seq = next_seq(connection)

    def insert(self, memory: Memory, vector: NDArray[np.float32] | None) -> int:
        """Store a record whose id is free; its row id."""
        rid = self._numbers.next_rid(memory.namespace, memory.user_id, past=bool(memory.superseded_by))
        self._numbers.count(rid, records=1)
        self._run(self._sql["insert"], (rid, vector is not None, self.seq, *stored_values(memory)))
        if vector is not None:
            self._put_vector(rid, vector)
        self._put_words(rid, memory.text)
        self._put_tags(rid, _TOPICS, memory.topics)
        self._put_tags(rid, _ENTITIES, memory.entities)
        return rid

    def replace(
        self, stored: Stored, memory: Memory, vector: NDArray[np.float32] | None, *, keep_vector: bool = False
    ) -> None:
        """Give a stored record new content. In another namespace or user, or as one that is superseded now, it gets a
        new row id.

        keep_vector: the vector that is stored, if any, stays; `vector` is ignored.
        """
        place = (memory.namespace, memory.user_id, bool(memory.superseded_by))
        if place != (stored.namespace, stored.user_id, bool(stored.superseded_by)):
            if keep_vector:
                vector = self.vector(stored)
            self.remove(stored)
            self.insert(memory, vector)
            return
        rid = stored.rid
        embedded = stored.embedded if keep_vector else vector is not None
        self._run(self._sql["replace"], (rid, embedded, self.seq, *stored_values(memory)))
        if not keep_vector:
            self._replace_vector(stored, vector)
        if memory.text != stored.text:
            self._numbers.count(rid, words=-self._length(rid))
            self._put_words(rid, memory.text)
        self._replace_tags(rid, _TOPICS, stored.topics, memory.topics)
        self._replace_tags(rid, _ENTITIES, stored.entities, memory.entities)

    def remove(self, stored: Stored) -> None:
        """Delete a record, and leave a tombstone for the caches of every process."""
        rid = stored.rid
        self._numbers.count(rid, records=-1, words=-self._length(rid))
        for table in ("drop_memory", "drop_words", "drop_index"):
            self._run(self._sql[table], (rid,))
        if stored.embedded:
            self._drop_vector(rid)
        self._drop_tags(rid, _TOPICS, stored.topics)
        self._drop_tags(rid, _ENTITIES, stored.entities)
        self._run(self._sql["tombstone"], (self.seq, rid))
        self._buried += 1

    def embed(self, id_: str, revision: int, vector: NDArray[np.float32]) -> bool:
        """Fill in a vector where the record still has this revision; whether it had."""
        row = fetch_row(self._connection, self._sql["embed"], (id_, revision, self.seq))
        if row is None:
            return False
        self._put_vector(row[0], vector)
        return True

    def finish(self) -> None:
        """Bring the figures up to date and bound the tombstones."""
        self._numbers.finish()
        if self._buried and (self._buried >= PRUNE_EVERY or self.seq % PRUNE_EVERY == 0):
            self._prune()

    def _length(self, rid: int) -> int:
        row = fetch_row(self._connection, self._sql["length"], (rid,))
        return int(row[0]) if row else 0

    def _put_words(self, rid: int, text: str) -> None:
        found = words(text)
        self._run(self._sql["put_words"], (rid, word_codes(found).astype("<u4", copy=False).tobytes()))
        self._run(self._sql["put_index"], (rid, " ".join(found)))
        self._numbers.count(rid, words=len(found))

    def vector(self, stored: Stored) -> NDArray[np.float32] | None:
        """The stored embedding of a record, None where it is owed."""
        row = fetch_row(self._connection, self._sql["vector"], (stored.rid,))
        return np.frombuffer(row[0], dtype="<f4") if row else None

    def _put_vector(self, rid: int, vector: NDArray[np.float32]) -> None:
        self._check_dimensions(len(vector))
        self._run(self._sql["put_vector"], (rid, vector_blob(vector)))
        self._run(self._sql["put_sketch"], (rid, sketch_blob(vector)))

    def _drop_vector(self, rid: int) -> None:
        self._run(self._sql["drop_vector"], (rid,))
        self._run(self._sql["drop_sketch"], (rid,))

    def _replace_vector(self, stored: Stored, vector: NDArray[np.float32] | None) -> None:
        if vector is not None:
            self._put_vector(stored.rid, vector)
        elif stored.embedded:
            self._drop_vector(stored.rid)

    def _check_dimensions(self, given: int) -> None:
        if self._dimensions is None:
            row = fetch_row(self._connection, self._sql["dimensions"])
            self._dimensions = int(row[0]) if row else given
        if given != self._dimensions:
            raise Unavailable(
                f"the data folder holds vectors of {self._dimensions} dimensions and this process makes {given}: "
                "the embedding model was changed meanwhile; restart this process with the folder's EMBEDDING_MODEL"
            )

    def _put_tags(self, rid: int, kind: int, tags: tuple[str, ...]) -> None:
        if tags:
            self._connection.executemany(self._sql["put_tag"], [(kind, tag, rid) for tag in tags])

    def _drop_tags(self, rid: int, kind: int, tags: tuple[str, ...]) -> None:
        for tag in tags:
            self._run(self._sql["drop_tag"], (kind, tag, rid))

    def _replace_tags(self, rid: int, kind: int, old: tuple[str, ...], new: tuple[str, ...]) -> None:
        if old != new:
            self._drop_tags(rid, kind, old)
            self._put_tags(rid, kind, new)

    def _prune(self) -> None:
        row = fetch_row(self._connection, self._sql["oldest_kept_tombstone"], (KEPT_TOMBSTONES,))
        if row is not None:
            self._run(self._sql["prune_tombstones"], row)
            self._run(self._sql["pruned_to"], row)
