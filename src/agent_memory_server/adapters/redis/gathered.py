"""Searching places too large for memory: the index chooses candidates, which are read and ranked as in a block.

What the index cannot tell is left out there: turns lend each other nothing unless both are candidates, words are found
as the index cuts and folds text (no Chinese, no accents), and the mean length of texts is that of the candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent_memory_server.adapters.redis.block_rows import RowReader
from agent_memory_server.adapters.redis.blocks import Block, BlockState
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.adapters.redis.index import Index
from agent_memory_server.adapters.redis.index_arms import IndexArms, holding
from agent_memory_server.adapters.redis.places import Places
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.block import BlockSelection
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.filters import EVERYTHING, Filter
from agent_memory_server.domain.fusion import WORD_DEPTH
from agent_memory_server.domain.keyword import Counted, Found, kept_terms
from agent_memory_server.domain.query import Mode, StoreQuery, Term
from agent_memory_server.domain.ranking import ARM_DEPTH

_OWED = "@owed_:{1}"


@dataclass(frozen=True, slots=True)
class Gathered(BlockSelection):
    """`Selection` of which only candidates were read.

    matching: how many records there are; frequencies: in how many of the places' records each term stands; worded:
    how many of the matching records hold one of the terms that decide; owing: how many have no vector, of which the
    block has those that hold the words.
    """

    matching: int = 0
    frequencies: Mapping[Term, int] | None = None
    worded: int = 0
    owing: int = 0

    @property
    def records(self) -> int:
        """See `Selection`."""
        return self.matching

    def keyword(self, terms: Sequence[Term], wanted: int, among: Rids | None = None) -> Found:
        """See `Selection`."""
        known = self.frequencies or {}
        frequencies = [known.get(term, 0) for term in terms]
        found = self.block.keyword(self.figures, terms, among, wanted, frequencies=frequencies)
        return found if among is not None else replace(found, total=max(self.worded, found.total))

    def owed(self) -> Rids:
        """See `Selection`. Those that were not read have numbers of no row."""
        read = self.block.owed()
        last = int(self.block.rids.max()) if len(self.block.rids) else 0
        return np.concatenate([read, last + 1 + np.arange(max(self.owing - len(read), 0))])

    def beside(self, rids: Rids, among: Rids | None = None) -> Rids:  # noqa: ARG002 - the port leaves this to engines
        """See `Selection`."""
        return np.empty(0, np.int64)


class Gatherer:
    """Gathers candidates. most: records that are read for one search."""

    def __init__(self, index: Index, arms: IndexArms, reader: RowReader, *, dimensions: int, most: int) -> None:
        self._index = index
        self._arms = arms
        self._reader = reader
        self._dimensions = dimensions
        self._most = most

    async def gather(
        self, where: Places, rest: Filter, query: StoreQuery, ids: Sequence[str] | None
    ) -> tuple[BlockState, Gathered] | None:
        """The candidates of a search; None where nothing can match. ids: of all records that satisfy the filter, where
        it needed them. Raises: Unavailable."""
        everything, matching = where.query(EVERYTHING), where.query(rest)
        if everything is None or matching is None:
            return None
        records = await self._index.count(everything)
        frequencies = {term: await self._holding(everything, [term]) for term in query.terms}
        if ids is not None:
            block = await self._block(where, self._bounded(ids))
            found, worded, owing = len(ids), 0, 0
        else:
            found = await self._index.count(matching)
            owed = _also(matching, _OWED)
            owing = await self._index.count(owed)
            kept = kept_terms(query.terms, [frequencies[term] for term in query.terms], records)
            deciding = kept.terms if kept else ()
            worded = await self._holding(matching, deciding)
            block = await self._block(where, await self._candidates(matching, owed, query, deciding))
        state = block.state
        mean = state.figures.words / max(state.figures.records, 1)
        figures = Counted(records, round(mean * records))
        selection = Gathered(state.view, state.turns, None, figures, found, frequencies, worded, owing)
        return state, selection

    async def _candidates(
        self, matching: IndexQuery, owed: IndexQuery, query: StoreQuery, deciding: Sequence[Term]
    ) -> Sequence[str]:
        required = [term for term in query.terms if term.required]
        if required and query.mode is not Mode.SEMANTIC:
            held = holding(matching, required, every=True)
            return self._bounded(await self._index.every(held)) if held else []
        end = query.offset + query.limit
        ids: list[str] = []
        if query.vector is not None:
            if query.within is not None:
                ids += await self._arms.within(matching, query.vector, query.within, limit=self._most + 1)
            else:
                ids += await self._arms.nearest(matching, query.vector, max(end, ARM_DEPTH))
        for among in (matching, owed) if query.mode is not Mode.SEMANTIC else (owed,):
            asked = holding(among, deciding)
            if asked is not None:
                ids += await self._arms.holding(asked, max(end, WORD_DEPTH))
        return self._bounded(ids)

    async def _holding(self, query: IndexQuery, terms: Sequence[Term]) -> int:
        asked = holding(query, terms)
        return 0 if asked is None else await self._index.count(asked)

    async def _block(self, where: Places, ids: Sequence[str]) -> Block:
        block = Block(where, self._dimensions, whole_bytes=2**63)
        block.fill((await self._reader.read(ids)).values())
        return block

    def _bounded(self, ids: Sequence[str]) -> Sequence[str]:
        if len(ids) > self._most:
            raise Unavailable(
                f"the search concerns more than {self._most} of the records of a namespace and user that are too many "
                "for REDIS_SEARCH_CACHE_MB; name a user, or set it higher"
            )
        return ids


def _also(query: IndexQuery, condition: str) -> IndexQuery:
    return replace(query, text=f"{query.text} {condition}".replace("* @", "@"))
