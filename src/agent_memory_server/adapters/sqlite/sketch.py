"""The sketch: one bit per dimension of every stored vector, in memory, by column."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.at_once import WIDE_RECORDS
from agent_memory_server.adapters.sqlite.calibration import calibrate
from agent_memory_server.adapters.sqlite.changes import Lagging, changes_since
from agent_memory_server.adapters.sqlite.codes import Codes, CodesView, read_codes
from agent_memory_server.adapters.sqlite.fetch import fetch, fetch_for
from agent_memory_server.adapters.sqlite.ranges import Ranges, inside
from agent_memory_server.adapters.sqlite.short_sketch import ShortSketch, ShortView, short_sketch
from agent_memory_server.domain.arrays import Growing, Rids, find, members
from agent_memory_server.domain.calibration import Calibration
from agent_memory_server.domain.signs import Columns, as_columns

_PAGE = "SELECT rid, b FROM sketch WHERE rid > ? ORDER BY rid LIMIT ?"
_PAGE_ROWS = 50_000
_SOME = "SELECT s.rid, s.b FROM carray(?) a CROSS JOIN sketch s ON s.rid = a.value"
_MAX_CHANGES = 20_000

Positions = NDArray[np.int64]
Part = slice | Positions
"""Records of a scan by position: a run, or any set in ascending order."""


@dataclass(frozen=True, slots=True)
class SketchView:
    """One state of the sketch.

    rids (n,), ascending up to `base`, unordered behind; columns (words, n); dead: positions of records that are
    gone or replaced, ascending. codes: a finer copy of the vectors, where it fits into memory; short: fewer columns
    beside it, where these tell as much.
    """

    rids: Rids
    columns: Columns
    base: int
    dead: Positions
    calibration: Calibration | None
    codes: CodesView | None = None
    short: ShortView | None = None

    @property
    def is_short(self) -> bool:
        """Whether a search over it is a matter of the event loop."""
        return self.codes is not None and self.calibration is not None and len(self.rids) <= WIDE_RECORDS

    def parts(self, ranges: Ranges, allowed: Rids | None) -> list[Part]:
        """Where the records of the ranges (and of `allowed`, ascending) are."""
        if allowed is not None:
            return [self._without_dead(self.positions(allowed))]
        head, tail = self.rids[: self.base], self.rids[self.base :]
        found: list[Part] = []
        for low, high in ranges:
            # The two ends first: most often a search looks at everything.
            start = 0 if len(head) and low <= head[0] else int(head.searchsorted(low))
            stop = len(head) if len(head) and high >= head[-1] else int(head.searchsorted(high, "right"))
            if stop > start:
                found.append(slice(start, stop))
        if len(tail):
            late = np.flatnonzero(inside(tail, ranges)) + self.base
            found += [self._without_dead(late)] if len(late) else []
        return found

    def positions(self, rids: Rids) -> Positions:
        """Positions of those of `rids` (ascending) that are here, ascending; dead ones may be among them."""
        head = find(self.rids[: self.base], rids)
        tail = self.rids[self.base :]
        return np.concatenate([head, np.flatnonzero(members(tail, rids)) + self.base]) if len(tail) else head

    def _without_dead(self, positions: Positions) -> Positions:
        return positions[~np.isin(positions, self.dead)] if len(self.dead) else positions


class _Sketch:
    """The sketch that follows the file: `view` is its state as of commit `seq`."""

    def __init__(self, connection: apsw.Connection, seq: int, dimensions: int, codes_bytes: int) -> None:
        self._dimensions = dimensions
        self._most_codes = codes_bytes // dimensions
        pages = []
        last = -1
        while rows := fetch(connection, _PAGE, (last, _PAGE_ROWS)):
            pages.append(_arrays(rows))
            last = rows[-1][0]
        rids = [rids for rids, _ in pages] or [np.empty(0, np.int64)]
        columns = [columns for _, columns in pages] or [np.empty((0, 0), np.uint64)]
        self._calibration = calibrate(connection, rids)
        everything = np.concatenate(rids)
        codes = None
        if 0 < len(everything) <= self._most_codes:
            codes = Codes(*read_codes(connection, everything, dimensions))
        short = short_sketch(codes.view, len(everything), dimensions) if codes else None
        self._reset(everything, np.concatenate(columns, axis=1), codes, short)
        self.seq = seq

    def _reset(self, rids: Rids, columns: Columns, codes: Codes | None, short: ShortSketch | None) -> None:
        self._rids, self._columns, self._codes, self._short = Growing(rids), Growing(columns), codes, short
        self._dead: Positions = np.empty(0, np.int64)
        self._base = len(rids)
        self.view = self._view()

    def _view(self) -> SketchView:
        codes = self._codes.view if self._codes else None
        short = self._short.view if self._short else None
        return SketchView(self._rids.view, self._columns.view, self._base, self._dead, self._calibration, codes, short)

    def follow(self, connection: apsw.Connection, seq: int) -> bool:
        """Bring it to commit `seq`, which the connection sees. False: it must be loaded anew."""
        changes = changes_since(connection, self.seq, at_most=max(_MAX_CHANGES, self._base // 8))
        if changes is None:
            return False
        touched = np.sort(np.concatenate([changes.changed, changes.gone]))
        rows = fetch_for(connection, _SOME, np.sort(changes.changed))
        if rows and not self.view.columns.shape[0]:
            return False  # the first vectors of the file: now the width is known
        self._dead = np.union1d(self._dead, self.view.positions(touched))
        if rows:
            self._append(connection, *_arrays(rows))
        self.view = self._view()
        if len(self._rids.view) - self._base + len(self._dead) > max(4096, self._base // 16):
            self._compact(connection)
        self.seq = seq
        return True

    def _append(self, connection: apsw.Connection, rids: Rids, columns: Columns) -> None:
        before = self._rids.view
        if self._codes and len(before) + len(rids) > self._most_codes:
            self._codes = self._short = None
        if self._codes:
            self._codes.extend(connection, rids, self._dimensions)
        if self._codes and self._short:
            self._short.extend(self._codes.view.vectors(np.arange(len(before), len(before) + len(rids))))
        ordered = len(before) == self._base and (not self._base or rids[0] > before[-1])
        self._rids.extend(rids)
        self._columns.extend(columns)
        if ordered and bool((rids[1:] > rids[:-1]).all()):
            self._base += len(rids)

    def _compact(self, connection: apsw.Connection) -> None:
        rids = self.view.rids
        alive = np.ones(len(rids), np.bool_)
        alive[self._dead] = False
        kept = np.flatnonzero(alive)
        order = kept[np.argsort(rids[kept], kind="stable")]
        self._calibration = calibrate(connection, [rids[order]])
        codes = Codes(*self._codes.view.taken(order)) if self._codes else None
        short = self._short.taken(order) if self._short else None
        if codes and short is None:
            short = short_sketch(codes.view, len(order), self._dimensions)
        self._reset(rids[order], self.view.columns[:, order], codes, short)


def _arrays(rows: Sequence[Sequence[Any]]) -> tuple[Rids, Columns]:
    rids = np.array([row[0] for row in rows], np.int64)
    bits = np.frombuffer(b"".join([row[1] for row in rows]), np.uint8).reshape(len(rows), -1)
    return rids, as_columns(bits)


class SketchCache:
    """The sketch, loaded when it is first needed; shared by the reading threads.

    codes_bytes: memory for a finer copy of the vectors; a store that needs more has none.
    """

    def __init__(self, *, dimensions: int, codes_bytes: int = 0) -> None:
        self._dimensions = dimensions
        self._codes_bytes = codes_bytes
        self._lock = threading.Lock()
        self._sketch: _Sketch | None = None

    def get(self, connection: apsw.Connection, seq: int) -> SketchView:
        """The sketch as of commit `seq`. Raises: Lagging."""
        with self._lock:  # also for a look: whoever follows the file changes view and seq one after the other
            sketch = self._sketch
            if sketch is not None and sketch.seq > seq:
                raise Lagging
            self._sketch = None  # stays so if what follows fails: the sketch is complete or absent
            if sketch is None or (sketch.seq < seq and not sketch.follow(connection, seq)):
                sketch = _Sketch(connection, seq, self._dimensions, self._codes_bytes)
            self._sketch = sketch
            return sketch.view

    def warm(self, seq: int) -> SketchView | None:
        """The sketch as of commit `seq`, if it is in memory and nobody works on it."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            sketch = self._sketch
            return sketch.view if sketch is not None and sketch.seq == seq else None
        finally:
            self._lock.release()
