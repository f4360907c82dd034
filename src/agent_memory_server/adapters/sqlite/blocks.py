"""Blocks: the vectors and words of one small selection of records, kept in memory and searched exactly; and the words
alone of a wider one."""

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
from agent_memory_server.adapters.sqlite.ranges import Ranges, inside
from agent_memory_server.adapters.sqlite.turn_rows import TurnRows
from agent_memory_server.domain.block import BlockView
from agent_memory_server.domain.block_rows import BlockRows
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.told import Told
from agent_memory_server.domain.turns import Around
from agent_memory_server.domain.word_rows import flat

_MAX_CHANGES = 2_000
_MAX_CHANGED_SHARE = 8
_RANGE = "SELECT w.rid, w.w, v.v FROM words w LEFT JOIN vecs v ON v.rid = w.rid WHERE w.rid BETWEEN ? AND ?"
_SOME = (
    "SELECT w.rid, w.w, v.v FROM carray(?) a CROSS JOIN words w ON w.rid = a.value LEFT JOIN vecs v ON v.rid = w.rid"
)
_RANGE_WORDS = "SELECT rid, w, NULL FROM words WHERE rid BETWEEN ? AND ?"
_SOME_WORDS = "SELECT w.rid, w.w, NULL FROM carray(?) a CROSS JOIN words w ON w.rid = a.value"


class BlockState:
    """One state of a block, and what is known of its rows as turns."""

    __slots__ = ("_around", "_rows", "view")

    def __init__(self, view: BlockView, rows: TurnRows) -> None:
        self.view = view
        self._rows = rows
        self._around: tuple[Around, Told] | None = None

    def turns(self, connection: apsw.Connection) -> tuple[Around, Told]:
        """Who stands beside whom among the rows, and what each tells. Computed at the first search by words, which
        the connection is for; a search by meaning alone never needs it."""
        if self._around is None:
            self._around = self._rows.of(connection, self.view.rids, self.view.live)
        return self._around

    def turns_of(self, connection: apsw.Connection, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], Told]:
        """The same of some rows. See `TurnRows.some`."""
        return self._rows.some(connection, self.view.rids, self.view.live, rows)


class Block:
    """A block that follows the file: `state` is as of commit `seq`. dimensions: 0 for one of words alone."""

    def __init__(self, connection: apsw.Connection, ranges: Ranges, dimensions: int, seq: int) -> None:
        self._ranges = ranges
        self._dimensions = dimensions
        self._rows = BlockRows(dimensions)
        self._turns = TurnRows()
        every = _RANGE if dimensions else _RANGE_WORDS
        self._append([row for bounds in ranges for row in fetch(connection, every, bounds)])
        self.seq = seq
        self.state = BlockState(self._rows.view(), self._turns)

    @property
    def nbytes(self) -> int:
        """Bytes of memory it takes."""
        return self._rows.nbytes

    def follow(self, connection: apsw.Connection, seq: int) -> bool:
        """Bring it to commit `seq`, which the connection sees. False: it must be loaded anew."""
        at_most = max(_MAX_CHANGES, self._rows.rows // _MAX_CHANGED_SHARE)
        changes = changes_since(connection, self.seq, at_most=at_most)
        if changes is None:
            return False
        changed = np.sort(changes.changed[inside(changes.changed, self._ranges)])
        dead = self.state.view.rows_of(np.sort(np.concatenate([changed, changes.gone])))
        self._rows.kill(dead)
        if self._rows.worn:
            return False
        if len(changed):
            self._append(fetch_for(connection, _SOME if self._dimensions else _SOME_WORDS, changed))
        if len(changed) or len(dead):
            self.state = BlockState(self._rows.view(), self._turns)
        self.seq = seq
        return True

    def _append(self, rows: Sequence[Sequence[Any]]) -> None:
        rids = np.array([row[0] for row in rows], np.int64)
        words = flat([row[1] for row in rows], self._rows.rows)
        try:
            self._rows.append(rids, [row[2] for row in rows], words)
        except ValueError as exc:
            raise wrong_dimensions(self._dimensions) from exc


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
        self._entries: OrderedDict[tuple[Ranges, int], _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, connection: apsw.Connection, ranges: Ranges, seq: int) -> BlockState:
        """The records of the ranges as of commit `seq`. Raises: Lagging."""
        return self._get(connection, ranges, seq, self._dimensions)

    def words(self, connection: apsw.Connection, ranges: Ranges, seq: int) -> BlockState:
        """The same with their words alone. Raises: Lagging."""
        return self._get(connection, ranges, seq, 0)

    def _get(self, connection: apsw.Connection, ranges: Ranges, seq: int, dimensions: int) -> BlockState:
        key = (ranges, dimensions)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry()
            self._entries.move_to_end(key)
        with entry.lock:
            block = entry.block
            if block is not None and block.seq == seq:
                return block.state
            if block is not None and block.seq > seq:
                raise Lagging
            entry.block = None  # stays so if what follows fails: a block is complete or absent
            if block is None or not block.follow(connection, seq):
                block = Block(connection, ranges, dimensions, seq)
            entry.block = block
            state = block.state
        self._shrink()
        return state

    def warm(self, ranges: Ranges, seq: int) -> BlockState | None:
        """The records of the ranges as of commit `seq`, if they are in memory and nobody works on them."""
        key = (ranges, self._dimensions)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
        if not entry.lock.acquire(blocking=False):
            return None
        try:
            block = entry.block
            return block.state if block is not None and block.seq == seq else None
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
