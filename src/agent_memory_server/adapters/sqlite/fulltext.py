"""Looking words up in the full-text index, within ranges of record numbers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import apsw
import numpy as np

from agent_memory_server.adapters.sqlite.fetch import fetch
from agent_memory_server.adapters.sqlite.ranges import Ranges, inside
from agent_memory_server.domain.arrays import Rids
from agent_memory_server.domain.query import Term

_MANY_RANGES = 16
"""More ranges than this are looked up as the one range around them, and the rest is left out afterwards."""

_COUNT = "SELECT count(*) FROM fts WHERE fts MATCH ? AND rowid BETWEEN ? AND ?"
_MATCHES = "SELECT rowid FROM fts WHERE fts MATCH ? AND rowid BETWEEN ? AND ?"
_WHOLE_INDEX = "SELECT doc FROM fts_words WHERE term = ?"
_REMEMBERED = 4_096
_RARE = 64
_LAST = 2**63 - 1


def quoted(term: Term) -> str:
    """A word, or a phrase, as a string of FTS5's query language: never as its syntax."""
    return '"' + " ".join(term.words).replace('"', '""') + '"'


def expression(terms: Sequence[Term]) -> str:
    """FTS5's query for records that hold one of the terms and every required one."""
    required = [quoted(term) for term in terms if term.required]
    return " AND ".join(required) if required else " OR ".join(quoted(term) for term in terms)


def matching(connection: apsw.Connection, query: str, ranges: Ranges) -> Rids:
    """Records of the ranges that match, ascending."""
    found: list[int] = []
    for bounds in _lookups(ranges):
        found += [row[0] for row in fetch(connection, _MATCHES, (query, *bounds))]
    rids = np.array(found, np.int64)
    return rids if len(ranges) <= _MANY_RANGES else rids[inside(rids, ranges)]


def count(connection: apsw.Connection, query: str, ranges: Ranges) -> int:
    """How many records of the ranges match."""
    if len(ranges) > _MANY_RANGES:
        return len(matching(connection, query, ranges))
    return sum(fetch(connection, _COUNT, (query, *bounds))[0][0] for bounds in ranges)


def _lookups(ranges: Ranges) -> Ranges:
    return ranges if len(ranges) <= _MANY_RANGES else ((ranges[0][0], ranges[-1][1]),)


class Frequencies:
    """In how many records of some ranges a term stands; remembered while it can hardly have changed."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Ranges, tuple[str, ...]], tuple[int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, connection: apsw.Connection, term: Term, ranges: Ranges, *, whole: bool, seq: int) -> int:
        """The count as of commit `seq`, or of up to 1 % of it in commits ago. whole: the ranges are the store."""
        key = (ranges, term.words)
        with self._lock:
            known = self._known.get(key)
        # A rare term's count decides whether a new record is found at all, so it is never taken from memory.
        if known is not None and (known[1] == seq or (known[0] > _RARE and 0 <= seq - known[1] <= known[0] // 100)):
            return known[0]
        number = self._counted(connection, term, ranges, whole)
        with self._lock:
            self._known[key] = (number, seq)
            self._known.move_to_end(key)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return number

    @staticmethod
    def _counted(connection: apsw.Connection, term: Term, ranges: Ranges, whole: bool) -> int:
        if whole and len(term.words) == 1:
            rows = fetch(connection, _WHOLE_INDEX, (term.words[0],))
            found = int(rows[0][0]) if rows else 0
            # The index holds superseded records too, behind all current ones.
            behind = ranges[-1][1] + 1
            return found - count(connection, quoted(term), ((behind, _LAST),)) if found and behind <= _LAST else found
        return count(connection, quoted(term), ranges)
