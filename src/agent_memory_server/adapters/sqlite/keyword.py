"""The keyword arm over the stored words of a selection too wide for a block."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import numpy as np

from agent_memory_server.adapters.sqlite import fulltext
from agent_memory_server.adapters.sqlite.fetch import fetch_for
from agent_memory_server.adapters.sqlite.scopes import Selected
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.keyword import NOTHING, Found, Kept, kept_terms, ordered
from agent_memory_server.domain.query import Term
from agent_memory_server.domain.word_rows import WordRows, flat

_CHUNK = 50_000
"""Matches that are scored at once: a bound on memory."""

_WORDS = "SELECT w.rid, w.w FROM carray(?) a CROSS JOIN words w ON w.rid = a.value"


def in_index(
    connection: apsw.Connection,
    selected: Selected,
    terms: Sequence[Term],
    allowed: Rids | None,
    wanted: int,
    frequencies: Sequence[int],
) -> Found:
    """Over a wide selection: the index gives the records that match, the stored words their scores.

    FTS5's own rank is of no use: it costs 2 µs for each match, reading and scoring the words half of that, and its
    statistics are those of the whole store.

    frequencies: of each term among the records of the ranges.
    """
    kept = kept_terms(terms, frequencies, selected.records)
    if kept is None:
        return NOTHING
    candidates = fulltext.matching(connection, fulltext.expression(kept.terms), selected.ranges)
    if allowed is not None:
        candidates = np.intersect1d(candidates, allowed, assume_unique=True)
    return _scored(connection, selected, kept, candidates, wanted)


def among_few(
    connection: apsw.Connection, selected: Selected, terms: Sequence[Term], few: Rids, wanted: int,
    frequencies: Sequence[int],
) -> Found:  # fmt: skip
    """Over the few records that a filter leaves of a wide selection, word by word. `few` is ascending."""
    kept = kept_terms(terms, frequencies, selected.records)
    return NOTHING if kept is None else _scored(connection, selected, kept, few, wanted)


def _scored(connection: apsw.Connection, selected: Selected, kept: Kept, candidates: Rids, wanted: int) -> Found:
    parts, total = [], 0
    for start in range(0, len(candidates), _CHUNK):
        rids, words = stored_words(connection, candidates[start : start + _CHUNK])
        found = [words.occurrences(term) for term in kept.weighed]
        rows = kept.holding(found)
        total += len(rows)
        parts.append(ordered(rids[rows], kept.score(words, found, rows, selected), wanted))
    if not total:
        return NOTHING
    if len(parts) == 1:
        return Found(parts[0], total, kept.weighed, kept.frequencies, asked=kept.asked)
    every = ordered(np.concatenate([arm.keys for arm in parts]), np.concatenate([arm.scores for arm in parts]), wanted)
    return Found(every, total, kept.weighed, kept.frequencies, asked=kept.asked)


def stored_words(connection: apsw.Connection, rids: Rids) -> tuple[Rids, WordRows]:
    """The words of records (ascending), row by row; those that are gone are left out."""
    rows = fetch_for(connection, _WORDS, rids)
    return np.array([row[0] for row in rows], np.int64), flat([row[1] for row in rows])
