"""Keeping, of any number of records, those that a search may rank high."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agent_memory_server.adapters.redis.block_rows import Row
from agent_memory_server.adapters.redis.blocks import BlockState
from agent_memory_server.domain.block import BlockSelection
from agent_memory_server.domain.fusion import WORD_DEPTH
from agent_memory_server.domain.keyword import Counted
from agent_memory_server.domain.periods import DATED_DEPTH
from agent_memory_server.domain.query import Mode, StoreQuery, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of all records that match, read or not. records: how many there are; worded: that hold one of the terms that
    decide; owing: that have no vector; held: that hold every required term; near: of at most the distance asked for."""

    records: int
    worded: int = 0
    owing: int = 0
    held: int = 0
    near: int = 0


class Sieve:
    """Keeps some of the records it is shown, and counts all. figures: of the places; frequencies: in how many of their
    records each term stands; bound: see `Gatherer`."""

    def __init__(
        self, query: StoreQuery, figures: Counted, frequencies: Mapping[Term, int], bound: float | None
    ) -> None:
        self._query = query
        self._required = [term for term in query.terms if term.required and query.mode is not Mode.SEMANTIC]
        self._figures = figures
        self._frequencies = frequencies
        self._bound = bound
        self._depth = max(query.offset + query.limit, WORD_DEPTH)
        self.kept: dict[str, Row] = {}
        self.counts = Counts(records=0)

    def take(self, state: BlockState, rows: Mapping[str, Row]) -> None:
        """Look at further records."""
        view, query, counts = state.view, self._query, self.counts
        allowed = None
        if self._required:
            allowed = np.sort(view.keyword(self._figures, self._required, None, len(rows)).arm.keys)
        known = [self._frequencies.get(term, 0) for term in query.terms]
        found = view.keyword(self._figures, query.terms, allowed, self._depth, known)
        owed = view.owed()
        unseen = view.keyword(self._figures, query.terms, owed, self._depth, known)
        best = [found.arm.keys, unseen.arm.keys]
        near = 0
        if query.vector is not None:
            distances = view.distances(query.vector, allowed)
            best.append(distances.best(self._depth).rids)
            near = len(distances.within(self._bound).rids) if self._bound is not None else 0
            if query.periods and query.mode is Mode.HYBRID:
                dated = BlockSelection(view, state.turns, allowed, self._figures).dated(query.periods)
                best.append(view.distances(query.vector, dated).best(DATED_DEPTH).rids)
        for id_ in state.ids(np.unique(np.concatenate(best))):
            self.kept[id_] = rows[id_]
        self.counts = Counts(
            records=counts.records + len(rows),
            worded=counts.worded + found.total,
            owing=counts.owing + len(owed),
            held=counts.held + (0 if allowed is None else len(allowed)),
            near=counts.near + near,
        )
