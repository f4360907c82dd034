"""Blocks: the vectors and words of one small selection of records, kept in memory and searched exactly."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.changes import Lagging, changes_since
from agent_memory_server.adapters.sqlite.fetch import fetch, fetch_for
from agent_memory_server.adapters.sqlite.ranges import Growing, Ranges, Rids, find, inside
from agent_memory_server.adapters.sqlite.turn_rows import TurnRows
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.turns import Around
from agent_memory_server.domain.word_rows import WordRows, flat

_BYTES_PER_WORD = 8
_MAX_CHANGES = 2_000
_RANGE = "SELECT w.rid, w.w, v.v FROM words w LEFT JOIN vecs v ON v.rid = w.rid WHERE w.rid BETWEEN ? AND ?"
_SOME = (
    "SELECT w.rid, w.w, v.v FROM carray(?) a CROSS JOIN words w ON w.rid = a.value LEFT JOIN vecs v ON v.rid = w.rid"
)


def fits(records: int, words: int, dimensions: int, max_bytes: int) -> bool:
    """Whether a selection of this size is kept as a block: neither vectors nor words take more than `max_bytes`."""
    return records * dimensions * 4 <= max_bytes and words * _BYTES_PER_WORD <= max_bytes


class BlockView:
    """One state of a block. Rows are in no order; a row of a deleted or replaced record stays, not alive.

    rids (n,); vectors (n, dimensions), zero where a record has none; words: of the n rows.
    live: which rows are records, None when all are; dense: which of them have a vector, None when all rows have.
    """

    __slots__ = ("_around", "_turns", "dense", "live", "rids", "sorter", "vectors", "words")

    def __init__(
        self, rids: Rids, vectors: NDArray[np.float32], words: WordRows, live: NDArray[np.bool_],
        embedded: NDArray[np.bool_], turns: TurnRows,
    ) -> None:  # fmt: skip
        self._turns = turns
        self._around: tuple[Around, tuple[str, ...]] | None = None
        self.rids = rids
        self.vectors = vectors
        self.words = words
        self.live = None if live.all() else live
        dense = live & embedded
        self.dense = None if dense.all() else dense
        ascending = len(rids) < 2 or bool((rids[1:] > rids[:-1]).all())
        self.sorter = None if ascending else np.argsort(rids, kind="stable")

    @property
    def records(self) -> int:
        """Records alive."""
        return len(self.rids) if self.live is None else int(np.count_nonzero(self.live))

    def turns(self, connection: apsw.Connection) -> tuple[Around, tuple[str, ...]]:
        """Who stands beside whom among the rows, and who speaks in each. Computed at the first search by words, which
        the connection is for; a search by meaning alone never needs it."""
        if self._around is None:
            self._around = self._turns.of(connection, self.rids, self.live)
        return self._around

    def rows_of(self, rids: Rids) -> NDArray[np.int64]:
        """Rows of those of `rids` (ascending) that are alive here."""
        if self.sorter is None:
            rows = find(self.rids, rids)
            return rows if self.live is None else rows[self.live[rows]]
        # A replaced record has a dead row with the same number: only live rows are looked up.
        order = self.sorter if self.live is None else self.sorter[self.live[self.sorter]]
        return order[find(self.rids[order], rids)]


class Block:
    """A block that follows the file: `view` is its state as of commit `seq`."""

    def __init__(self, connection: apsw.Connection, ranges: Ranges, dimensions: int, seq: int) -> None:
        self._ranges = ranges
        self._dimensions = dimensions
        rows = [row for bounds in ranges for row in fetch(connection, _RANGE, bounds)]
        rids, vectors, embedded, words = self._arrays(rows, 0)
        self._rids, self._live, self._embedded = Growing(rids), Growing(np.ones(len(rids), np.bool_)), Growing(embedded)
        # Growing grows along the last axis, so the matrix is kept flat.
        self._vectors = Growing(vectors.reshape(-1))
        self._codes, self._row_of = Growing(words.codes), Growing(words.row_of)
        self._lengths = Growing(words.lengths)
        self._turns = TurnRows()
        self.seq = seq
        self.view = self._view(self._live.view)

    @property
    def nbytes(self) -> int:
        """Bytes of memory it takes."""
        arrays = (self._rids, self._live, self._embedded, self._vectors, self._codes, self._row_of, self._lengths)
        return sum(array.nbytes for array in arrays)

    def follow(self, connection: apsw.Connection, seq: int) -> bool:
        """Bring it to commit `seq`, which the connection sees. False: it must be loaded anew."""
        changes = changes_since(connection, self.seq, at_most=_MAX_CHANGES)
        if changes is None:
            return False
        changed = np.sort(changes.changed[inside(changes.changed, self._ranges)])
        dead = self.view.rows_of(np.sort(np.concatenate([changed, changes.gone])))
        live = self._live.view
        if len(dead):
            live = live.copy()
            live[dead] = False
            self._live = Growing(live)
        if np.count_nonzero(~live) > 64 + len(live) // 4:
            return False
        if len(changed):
            self._append(fetch_for(connection, _SOME, changed))
        if len(changed) or len(dead):
            self.view = self._view(self._live.view)
        self.seq = seq
        return True

    def _append(self, rows: Sequence[Sequence[Any]]) -> None:
        rids, vectors, embedded, words = self._arrays(rows, len(self._rids.view))
        self._rids.extend(rids)
        self._live.extend(np.ones(len(rids), np.bool_))
        self._embedded.extend(embedded)
        self._vectors.extend(vectors.reshape(-1))
        self._codes.extend(words.codes)
        self._row_of.extend(words.row_of)
        self._lengths.extend(words.lengths)

    def _arrays(
        self, rows: Sequence[Sequence[Any]], first_row: int
    ) -> tuple[Rids, NDArray[np.float32], NDArray[np.bool_], WordRows]:
        rids = np.array([row[0] for row in rows], np.int64)
        embedded = np.array([row[2] is not None for row in rows], np.bool_)
        found = np.frombuffer(b"".join(row[2] for row in rows if row[2] is not None), "<f4")
        if found.size != np.count_nonzero(embedded) * self._dimensions:
            raise wrong_dimensions(self._dimensions)
        vectors = found.reshape(-1, self._dimensions)
        if not embedded.all():
            sparse = np.zeros((len(rids), self._dimensions), np.float32)
            sparse[embedded] = vectors
            vectors = sparse
        return rids, vectors, embedded, flat([row[1] for row in rows], first_row)

    def _view(self, live: NDArray[np.bool_]) -> BlockView:
        words = WordRows(self._codes.view, self._row_of.view, self._lengths.view)
        vectors = self._vectors.view.reshape(-1, self._dimensions)
        return BlockView(self._rids.view, vectors, words, live, self._embedded.view, self._turns)


def wrong_dimensions(expected: int) -> Unavailable:
    """The failure of a folder whose vectors are of another model than this process uses."""
    return Unavailable(
        f"the data folder holds vectors that do not have {expected} dimensions: the embedding model was changed "
        "meanwhile; restart this process with the folder's EMBEDDING_MODEL"
    )


class _Entry:
    __slots__ = ("block", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.block: Block | None = None


class BlockCache:
    """The blocks used last, within a bound of bytes; shared by the reading threads."""

    def __init__(self, *, dimensions: int, max_bytes: int) -> None:
        self._dimensions = dimensions
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Ranges, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, connection: apsw.Connection, ranges: Ranges, seq: int) -> BlockView:
        """The records of the ranges as of commit `seq`. Raises: Lagging."""
        with self._lock:
            entry = self._entries.get(ranges)
            if entry is None:
                entry = self._entries[ranges] = _Entry()
            self._entries.move_to_end(ranges)
        with entry.lock:
            block = entry.block
            if block is not None and block.seq == seq:
                return block.view
            if block is not None and block.seq > seq:
                raise Lagging
            entry.block = None  # stays so if what follows fails: a block is complete or absent
            if block is None or not block.follow(connection, seq):
                block = Block(connection, ranges, self._dimensions, seq)
            entry.block = block
            view = block.view
        self._shrink()
        return view

    def warm(self, ranges: Ranges, seq: int) -> BlockView | None:
        """The records of the ranges as of commit `seq`, if they are in memory and nobody works on them."""
        with self._lock:
            entry = self._entries.get(ranges)
            if entry is None:
                return None
            self._entries.move_to_end(ranges)
        if not entry.lock.acquire(blocking=False):
            return None
        try:
            block = entry.block
            return block.view if block is not None and block.seq == seq else None
        finally:
            entry.lock.release()

    def _shrink(self) -> None:
        with self._lock:
            sizes = {key: entry.block.nbytes for key, entry in self._entries.items() if entry.block is not None}
            total = sum(sizes.values())
            for key, size in sizes.items():
                if total <= self._max_bytes or len(self._entries) == 1:
                    break
                del self._entries[key]
                total -= size
