"""Search: both arms over what scope and filter leave, one ranking, one page of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import apsw
import numpy as np

from agent_memory_server.adapters.sqlite import at_once
from agent_memory_server.adapters.sqlite.at_once import NotAtOnce
from agent_memory_server.adapters.sqlite.blocks import BlockCache, BlockState
from agent_memory_server.adapters.sqlite.changes import Lagging, snapshot
from agent_memory_server.adapters.sqlite.codes import CODES_BYTES
from agent_memory_server.adapters.sqlite.fulltext import Frequencies
from agent_memory_server.adapters.sqlite.keyword import stored_words
from agent_memory_server.adapters.sqlite.matches import Matches
from agent_memory_server.adapters.sqlite.rows import load
from agent_memory_server.adapters.sqlite.scopes import Selected, select
from agent_memory_server.adapters.sqlite.selection import Caches, WideSelection, store_owes
from agent_memory_server.adapters.sqlite.sketch import SketchCache
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.block import BlockSelection, fits
from agent_memory_server.domain.evidence import hit_of, with_matched_words
from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.memory import Memory
from agent_memory_server.domain.query import Evidence, Ranked, StoreQuery
from agent_memory_server.domain.ranking_page import RankingPage, page_of
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.selection import Selection

MEGABYTE = 1024 * 1024
CACHE_MB = 128
"""Of blocks at most: eight users of 10,000 records, or eighty of 1,000."""

Places = Callable[[Scope, Filter], Selected]

_NOTHING = Ranked(hits=(), total=0)
_DECLINED = 64
"""Wide searches that go to the threads without a trial, after one that was found to be long only halfway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """dimensions: floats per stored vector; cache_mb: memory for blocks, beside the sketch, which takes
    dimensions / 8 + 8 bytes for each record of the store once a wide search was made, and dimensions + 168 more for
    each of a store whose codes are kept (`CODES_BYTES`).
    block_bytes: vectors of one block at most; 16 MB are 10.9k records of 384 dimensions, compared in 0.3 ms.
    words_bytes: words alone of a wider selection at most, in the same memory; 16 MB are 140k records of 15 words.
    few: records that a filter leaves of a wider selection, up to which they are read one by one (0.6 µs each)."""

    dimensions: int
    cache_mb: int = CACHE_MB
    block_bytes: int = 16 * MEGABYTE
    words_bytes: int = 16 * MEGABYTE
    few: int = 3_000


class Searcher:
    """Searches a data folder through any of its connections; keeps what searches have in common in memory.

    Caches follow the commits of every process (`changes`), so a search sees whatever was committed before it.
    """

    def __init__(self, settings: SearchSettings) -> None:
        self._caches = Caches(
            dimensions=settings.dimensions,
            block_bytes=settings.block_bytes,
            words_bytes=settings.words_bytes,
            few=settings.few,
            blocks=BlockCache(dimensions=settings.dimensions, max_bytes=settings.cache_mb * MEGABYTE),
            sketches=SketchCache(dimensions=settings.dimensions, codes_bytes=CODES_BYTES),
            frequencies=Frequencies(),
        )
        self._matches = Matches()
        self._declining = 0

    def search(self, connection: apsw.Connection, scope: Scope, query: StoreQuery) -> Ranked:
        """See `MemoryStore.search`. On a reading connection outside a transaction; from any thread.

        Raises: Unavailable, when the folder's vectors have other dimensions.
        """
        while True:
            with snapshot(connection) as seq:
                try:
                    return self._search(connection, seq, scope, query)
                except Lagging:
                    continue  # another thread saw a later commit; a new snapshot sees it too

    def _search(self, connection: apsw.Connection, seq: int, scope: Scope, query: StoreQuery) -> Ranked:
        selected = select(connection, scope, query.filter)
        if not selected.records:
            return _NOTHING
        allowed = self._matches.of(connection, selected, seq)
        if allowed is not None and not len(allowed):
            return _NOTHING
        selection: Selection = WideSelection(connection, self._caches, selected, allowed, seq)
        if fits(selected.records, selected.words, self._caches.dimensions, self._caches.block_bytes):
            block = self._caches.blocks.get(connection, selected.ranges, seq)
            selection = _in_block(connection, block, allowed, selected)
        return self._answer(connection, query, page_of(selection, query))

    def search_at_once(
        self, connection: apsw.Connection, asked: Sequence[tuple[Scope, StoreQuery]]
    ) -> list[Ranked | Exception | None]:
        """For each question the answer of `search`, where all that it takes is in memory and little; None: ask a
        reading thread; or what that search alone raised. All see the same state of the file. The questions are
        `may_be_short`."""
        with snapshot(connection) as seq:
            if store_owes(connection):
                return [None] * len(asked)
            places = _places_in(connection)
            pages = [self._page_at_once(connection, seq, places, scope, query) for scope, query in asked]
            # One statement for all. Each page was ranked within its own scope, and takes its own records only.
            keys = {placed.key for page in pages if isinstance(page, RankingPage) for placed in page.placed}
            memories = load(connection, np.array(sorted(keys), np.int64))
        return [_ranked(page, memories, {}, {}) if isinstance(page, RankingPage) else page for page in pages]

    def _page_at_once(
        self, connection: apsw.Connection, seq: int, places: Places, scope: Scope, query: StoreQuery
    ) -> RankingPage | Exception | None:
        try:
            selected = places(scope, query.filter)
            if not selected.records:
                return RankingPage([], 0)
            selection = self._short(connection, seq, selected)
            return page_of(selection, query) if selection else None
        except NotAtOnce:
            self._declining = _DECLINED
            return None
        except apsw.Error:
            raise  # the connection's, and so of every question
        except Exception as exc:  # noqa: BLE001 - of this question alone: raised to whoever asked it
            return exc

    def _short(self, connection: apsw.Connection, seq: int, selected: Selected) -> Selection | None:
        caches = self._caches
        if fits(selected.records, selected.words, caches.dimensions, caches.block_bytes):
            if selected.records > at_once.BLOCK_RECORDS:
                return None
            block = caches.blocks.warm(selected.ranges, seq)
            return _in_block(connection, block, None, selected) if block else None
        if self._declining:
            self._declining -= 1
            return None
        if (sketch := caches.sketches.warm(seq)) is None or not sketch.is_short:
            return None
        return WideSelection(
            connection, caches, selected, None, seq, sketch=sketch, most=at_once.CANDIDATES, owes=False
        )

    @staticmethod
    def _answer(connection: apsw.Connection, query: StoreQuery, page: RankingPage) -> Ranked:
        others = [key for placed in page.placed for key in placed.also] if query.explain else []
        memories = load(connection, np.array([placed.key for placed in page.placed] + others, np.int64))
        evidence = {placed.key: placed.evidence for placed in page.placed} if query.explain else {}
        if query.explain and query.terms:
            evidence = with_matched_words(
                evidence, *stored_words(connection, np.array(sorted(evidence), np.int64)), query.terms
            )
        ids = {key: memories[key].id for key in others}
        return _ranked(page, memories, evidence, ids)


def _places_in(connection: apsw.Connection) -> Places:
    """`select` in one state of the file, which most often is asked the same by several questions."""
    known: list[tuple[Scope, Filter, Selected]] = []

    def places(scope: Scope, filter_: Filter) -> Selected:
        for of_scope, of_filter, found in known:
            if scope == of_scope and filter_ == of_filter:
                return found
        known.append((scope, filter_, found := select(connection, scope, filter_)))
        return found

    return places


def _ranked(
    page: RankingPage, memories: Mapping[int, Memory], evidence: Mapping[int, Evidence], ids: Mapping[int, str]
) -> Ranked:
    hits = tuple(hit_of(placed, memories[placed.key], evidence.get(placed.key), ids) for placed in page.placed)
    return Ranked(hits=hits, total=page.total, unembedded=page.unembedded)


def _in_block(
    connection: apsw.Connection, block: BlockState, allowed: Rids | None, selected: Selected
) -> BlockSelection:
    return BlockSelection(block.view, lambda: block.turns(connection), allowed, selected)
