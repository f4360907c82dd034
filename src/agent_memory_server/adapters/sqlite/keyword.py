"""The keyword arm: records that hold the terms, ranked by BM25 with the statistics of what is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite import fulltext
from agent_memory_server.adapters.sqlite.blocks import BlockView
from agent_memory_server.adapters.sqlite.fetch import fetch_for
from agent_memory_server.adapters.sqlite.ranges import Rids
from agent_memory_server.adapters.sqlite.scopes import Selected
from agent_memory_server.domain.query import Term
from agent_memory_server.domain.ranking import Arm, bm25, keep_terms
from agent_memory_server.domain.word_rows import Occurrences, WordRows, flat

_CHUNK = 50_000
"""Matches that are scored at once: a bound on memory."""

_WORDS = "SELECT w.rid, w.w FROM carray(?) a CROSS JOIN words w ON w.rid = a.value"


@dataclass(frozen=True, slots=True)
class Found:
    """arm: the best records in order; total: records that match in all. terms, frequencies: what counts for a score,
    and how many of the selection's records hold it."""

    arm: Arm
    total: int
    terms: tuple[Term, ...] = ()
    frequencies: tuple[int, ...] = ()
    occurrences: tuple[Occurrences, ...] = ()
    """of the terms, in the rows of the block that was searched"""


NOTHING = Found(Arm(np.empty(0, np.int64), np.empty(0)), 0)


@dataclass(frozen=True, slots=True)
class _Kept:
    """terms: those that decide which records match. weighed, frequencies: every term that some record holds, and how
    many of the selection do: all of them count for the score of a match."""

    terms: tuple[Term, ...]
    weighed: tuple[Term, ...]
    frequencies: tuple[int, ...]


def _kept(terms: Sequence[Term], frequencies: Sequence[int], records: int) -> _Kept | None:
    """Every required term and the optional ones that `keep_terms` chooses; None: no record can match."""
    required = [i for i, term in enumerate(terms) if term.required]
    if any(frequencies[i] == 0 for i in required):
        return None
    optional = [i for i, term in enumerate(terms) if not term.required]
    chosen = [optional[i] for i in keep_terms([frequencies[i] for i in optional], records)]
    kept = sorted(required + chosen)
    if not kept:
        return None
    held = [i for i, frequency in enumerate(frequencies) if frequency > 0]
    return _Kept(tuple(terms[i] for i in kept), tuple(terms[i] for i in held), tuple(frequencies[i] for i in held))


def _counts(found: Sequence[Occurrences], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each of the rows (ascending) holds each term, shape (rows, terms)."""
    counts = np.zeros((len(rows), len(found)))
    for column, occurrences in enumerate(found):
        at = np.searchsorted(rows, occurrences.rows)
        at[at == len(rows)] = 0
        here = rows[at] == occurrences.rows if len(rows) else np.zeros(len(at), np.bool_)
        counts[at[here], column] = occurrences.counts[here]
    return counts


def _ordered(rids: Rids, scores: NDArray[np.float64], wanted: int) -> Arm:
    if 0 < wanted < len(scores):
        bound = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
        near = np.flatnonzero(scores >= bound)
        rids, scores = rids[near], scores[near]
    order = np.lexsort((rids, -scores))[:wanted]
    return Arm(rids[order], scores[order])


def _score(
    words: WordRows, found: Sequence[Occurrences], rows: NDArray[np.int64], kept: _Kept, selected: Selected
) -> NDArray[np.float64]:
    mean = selected.words / selected.records if selected.records else 1.0
    lengths = words.lengths[rows].astype(np.float64)
    return bm25(_counts(found, rows), lengths, kept.frequencies, selected.records, max(mean, 1e-9))


def _holding(kept: _Kept, found: Sequence[Occurrences]) -> NDArray[np.int64]:
    """Rows with one of the kept terms and every required one, ascending. found: for each weighed term."""
    deciding = [one for term, one in zip(kept.weighed, found, strict=True) if term in kept.terms]
    rows = deciding[0].rows
    if len(deciding) > 1:
        held = np.zeros(max((int(one.rows[-1]) + 1 for one in deciding if len(one.rows)), default=0), np.bool_)
        for one in deciding:
            held[one.rows] = True
        rows = np.flatnonzero(held)
    for term, one in zip(kept.weighed, found, strict=True):
        if term.required:
            rows = np.intersect1d(rows, one.rows, assume_unique=True)
    return rows


def in_block(block: BlockView, selected: Selected, terms: Sequence[Term], allowed: Rids | None, wanted: int) -> Found:
    """Over the records of a block (and of `allowed`, ascending): every match is scored."""
    found = [block.words.occurrences(term) for term in terms]
    if block.live is not None:
        live = block.live
        found = [one.kept(live[one.rows]) for one in found]
    frequencies = [len(one.rows) for one in found]
    kept = _kept(terms, frequencies, selected.records)
    if kept is None:
        return NOTHING
    found = [one for term, one in zip(terms, found, strict=True) if term in kept.weighed]
    rows = _holding(kept, found)
    if allowed is not None:
        rows = np.intersect1d(rows, block.rows_of(allowed), assume_unique=True)
    if not len(rows):
        return NOTHING
    scores = _score(block.words, found, rows, kept, selected)
    return Found(_ordered(block.rids[rows], scores, wanted), len(rows), kept.weighed, kept.frequencies, tuple(found))


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
    kept = _kept(terms, frequencies, selected.records)
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
    kept = _kept(terms, frequencies, selected.records)
    return NOTHING if kept is None else _scored(connection, selected, kept, few, wanted)


def _scored(connection: apsw.Connection, selected: Selected, kept: _Kept, candidates: Rids, wanted: int) -> Found:
    parts, total = [], 0
    for start in range(0, len(candidates), _CHUNK):
        rids, words = stored_words(connection, candidates[start : start + _CHUNK])
        found = [words.occurrences(term) for term in kept.weighed]
        rows = _holding(kept, found)
        total += len(rows)
        parts.append(_ordered(rids[rows], _score(words, found, rows, kept, selected), wanted))
    if not total:
        return NOTHING
    if len(parts) == 1:
        return Found(parts[0], total, kept.weighed, kept.frequencies)
    every = _ordered(np.concatenate([arm.keys for arm in parts]), np.concatenate([arm.scores for arm in parts]), wanted)
    return Found(every, total, kept.weighed, kept.frequencies)


def stored_words(connection: apsw.Connection, rids: Rids) -> tuple[Rids, WordRows]:
    """The words of records (ascending), row by row; those that are gone are left out."""
    rows = fetch_for(connection, _WORDS, rids)
    return np.array([row[0] for row in rows], np.int64), flat([row[1] for row in rows])
