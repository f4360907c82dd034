"""Blocks: the records of the places that searches look through, in this process's memory, following every change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from agent_memory_server.adapters.redis.block_rows import Row
from agent_memory_server.adapters.redis.places import Places
from agent_memory_server.adapters.redis.signs import SignsView, SignTable
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.block import BlockView, fits
from agent_memory_server.domain.block_rows import BlockRows
from agent_memory_server.domain.keyword import Counted
from agent_memory_server.domain.told import Told, ToldRows
from agent_memory_server.domain.turns import Around
from agent_memory_server.domain.word_rows import flat

BYTES_BESIDE = 600
"""Memory that a record takes beside its vector: words, id, and what stands for it in the tables."""


class BlockState:
    """One state of a block. A later change of the block leaves it as it is."""

    def __init__(
        self, view: BlockView, ids: Sequence[str], rows: Mapping[str, int], told: ToldRows, signs: SignsView | None
    ) -> None:
        self.view = view
        self.signs = signs
        live = slice(None) if view.live is None else view.live
        self.figures = Counted(view.records, int(view.words.lengths[live].sum()))
        self._ids = ids
        self._rows = rows
        self._told = told
        self._turns: tuple[Around, Told] | None = None

    def turns(self) -> tuple[Around, Told]:
        """Who stands beside whom among the rows, and what each tells; computed when a search by words asks."""
        if self._turns is None:
            around = self._told.around(self.view.rids, self.view.live)
            self._turns = around, self._told.told(len(self.view.rids))
        return self._turns

    def ids(self, rids: Rids) -> list[str]:
        """The ids of records that are alive here, in the order given."""
        order = np.argsort(rids, kind="stable")
        rows = np.empty(len(rids), np.int64)
        rows[order] = self.view.rows_of(rids[order])
        return [self._ids[row] for row in rows.tolist()]

    def rids(self, ids: Sequence[str]) -> Rids:
        """The numbers of those of the records that are here, ascending. Only of the newest state."""
        rows = [row for id_ in ids if (row := self._rows.get(id_)) is not None]
        return np.sort(self.view.rids[np.array(rows, np.int64)])


class Block:
    """The records of some places. `state` is as of the last change that was taken in; one task changes it at a time.

    whole_bytes: a block whose vectors (or words) take more has signs too: it is too large to compare whole.
    """

    def __init__(self, places: Places, dimensions: int, whole_bytes: int) -> None:
        self.places = places
        self._dimensions = dimensions
        self._whole_bytes = whole_bytes
        self._ids: list[str] = []
        self._numbers: list[int] = []
        self._row_of: dict[str, int] = {}
        self._rows = BlockRows(dimensions)
        self._told = ToldRows()
        self._signs = SignTable(dimensions)
        self._next = 0
        self.state = self._state()

    @property
    def nbytes(self) -> int:
        """Bytes of memory it takes, about."""
        return self._rows.nbytes + self._signs.nbytes + len(self._ids) * BYTES_BESIDE

    @property
    def worn(self) -> bool:
        """Whether it should be loaded anew: much of it is dead."""
        return self._rows.worn

    def knows(self, id_: str) -> bool:
        """Whether a record is in it."""
        return id_ in self._row_of

    def fill(self, rows: Iterable[Row]) -> None:
        """Take in the records that it begins with."""
        self.take({row.id: row for row in rows})

    def take(self, rows: Mapping[str, Row | None]) -> bool:
        """Bring records up to date: as they are now, None for those that are gone. Whether it had or has any."""
        here = {
            id_: row
            for id_, row in rows.items()
            if row is not None and self.places.hold(*row.place) and (self.places.past or not row.past)
        }
        dead = [(id_, self._row_of.pop(id_)) for id_ in rows if id_ in self._row_of]
        if not here and not dead:
            return False
        before = {id_: (self._rows.rid(row), self._numbers[row]) for id_, row in dead if id_ in here}
        self._rows.kill(np.array([row for _, row in dead], np.int64))
        if here:
            self._append(sorted(here.values(), key=_storing), before)
        self.state = self._state()
        return True

    def _append(self, rows: Sequence[Row], before: Mapping[str, tuple[int, int]]) -> None:
        first = self._rows.rows
        rids = np.array([self._rid(row, before.get(row.id)) for row in rows], np.int64)
        self._rows.append(rids, [row.vector for row in rows], flat([row.codes for row in rows], first))
        for number, row in enumerate(rows, start=first):
            self._ids.append(row.id)
            self._numbers.append(row.number)
            self._row_of[row.id] = number
        self._told.extend([row.told for row in rows])

    def _rid(self, row: Row, before: tuple[int, int] | None) -> int:
        """A record keeps its place in the order of storing while it keeps its number."""
        if before is not None and before[1] == row.number:
            return before[0]
        self._next += 1
        return self._next - 1

    def _state(self) -> BlockState:
        view = self._rows.view()
        whole = fits(len(view.rids), len(view.words.codes), self._dimensions, self._whole_bytes)
        signs = None if whole else self._signs.view(view.vectors)
        return BlockState(view, self._ids, self._row_of, self._told, signs)


def _storing(row: Row) -> tuple[int, float, str]:
    """The order of storing; of records that another server stored, which have no number, that of their times."""
    return row.number, row.told.created_at, row.id
