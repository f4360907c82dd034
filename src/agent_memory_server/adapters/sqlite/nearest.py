"""Nearest records by the sketch: a scan of sign bits, a finer estimate for some, exact distances for few.

How many go from step to step follows from the data (see `calibration`): the best distance found so far tells
within how many bits a better record must lie. Clustered data needs some hundred candidates of a million, data
without any structure a fifth of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.at_once import CANDIDATES, NotAtOnce
from agent_memory_server.adapters.sqlite.codes import SLACK, CodesView
from agent_memory_server.adapters.sqlite.exact import distances_of
from agent_memory_server.adapters.sqlite.short_sketch import ShortView
from agent_memory_server.adapters.sqlite.sketch import Part, Positions, SketchView
from agent_memory_server.domain.arrays import members
from agent_memory_server.domain.calibration import REFINED_SCALE, Fit
from agent_memory_server.domain.distances import NOTHING, Distances, joined
from agent_memory_server.domain.hamming import Bits, few_bits, hamming, nearest_count, refined
from agent_memory_server.domain.short_signs import BITS, ShortQuery
from agent_memory_server.domain.signs import query_planes, query_signs

DEVIATIONS = 3.4
"""Of the estimates, in the rule for candidates. At a million clustered vectors 2.6 gave a recall@10 of 0.997 over 60
queries, 3.0 gave 0.998 and 3.4 gave 1.000, in the same time: there a scan costs more than some further candidates."""

CODED_DEVIATIONS = 2.3
"""The same where a copy of the vectors is in memory, and the candidates are what costs. Over 50,000 sentences of few
templates, the hardest of our data, 2.0 gave a recall@10 of 0.994 and 2.6 gave 0.999 for twice the candidates."""

SHORT_DEVIATIONS = 2.2
"""The same where the signs along the main directions are looked at first. Over the same 50,000 sentences 1.9 gave a
recall@10 of 0.997, 2.1 gave 0.9987 and 2.3 gave 0.9997, for 660 candidates and for 1,000."""

PRODUCT_DEVIATIONS = 6.0
"""The same of the products of projections, which are compared next. Over 23,000 sentences of conversations 4 gave a
recall@10 of 0.996, 5 gave 0.998 and 7 gave 0.999, with 84, 109 and 173 left to be compared by their codes."""

SURE_DEVIATIONS = 5.0
"""The same where every record within a distance is asked for and counted."""

_COARSE_LEAST = 400
_SHORT_LEAST = 250
_COARSE_SHARE = 0.002
_FIRST = 24
_BATCH = 256


@dataclass(frozen=True, slots=True)
class _Scanned:
    """Hamming distances of all records of the parts, one after another."""

    parts: Sequence[Part]
    bits: Bits

    def positions(self, at: NDArray[np.int64]) -> Positions:
        """Positions in the sketch of entries of `bits`."""
        if len(self.parts) == 1 and isinstance(self.parts[0], slice):
            start: int = self.parts[0].start
            return at + start
        everything: Positions = np.concatenate(
            [np.arange(part.start, part.stop) if isinstance(part, slice) else part for part in self.parts]
        )
        return everything[at]


def _scan(sketch: SketchView, parts: Sequence[Part], plane: NDArray[np.uint64], gone: int) -> _Scanned:
    found = []
    for part in parts:
        bits = hamming(sketch.columns[:, part], plane)
        if isinstance(part, slice):
            bits[_within(sketch.dead, part)] = gone
        found.append(bits)
    return _Scanned(parts, found[0] if len(found) == 1 else np.concatenate(found))


def _scan_short(sketch: SketchView, short: ShortView, parts: Sequence[Part], plane: NDArray[np.uint64]) -> _Scanned:
    """The same along the main directions. What lies outside of them is at no distance, and so a candidate."""
    found = []
    for part in parts:
        bits = few_bits(short.columns[:, part], plane)
        bits[_within(short.outside, part)] = 0
        if isinstance(part, slice):
            bits[_within(sketch.dead, part)] = BITS + 1
        found.append(bits)
    return _Scanned(parts, found[0] if len(found) == 1 else np.concatenate(found))


def _within(positions: Positions, part: Part) -> Positions:
    """Which entries of a part are these positions, which ascend."""
    if not len(positions):
        return positions
    if isinstance(part, slice):
        low, high = np.searchsorted(positions, (part.start, part.stop))
        here: Positions = positions[low:high] - part.start
        return here
    return np.flatnonzero(members(part, positions))


def _last(found: Distances, wanted: int) -> float:
    """Distance of the last of the best `wanted`; the largest there is where they are fewer."""
    if len(found.values) < wanted:
        return 2.0
    values = found.values.copy()
    values.partition(wanted - 1)
    return min(max(float(values[wanted - 1]), 0.0), 2.0)


class NearestByBits:
    """One search over some parts of the sketch. most: candidates beyond which it raises NotAtOnce; None: no bound."""

    def __init__(
        self,
        connection: apsw.Connection,
        sketch: SketchView,
        parts: Sequence[Part],
        query: NDArray[np.float32],
        most: int | None = None,
    ) -> None:
        self._most = most
        self._connection = connection
        if sketch.calibration is None:
            raise ValueError("a sketch of so few vectors tells nothing: search exactly")
        self._calibration = sketch.calibration
        self._sketch = sketch
        self._query = query
        self._parts = parts
        self._most_bits = len(query)

    @cached_property
    def _scanned(self) -> _Scanned:
        return _scan(self._sketch, self._parts, query_signs(self._query), gone=self._most_bits + 1)

    def best(self, wanted: int, sure: int) -> Distances:
        """The nearest `wanted` records in order. Of them only the first `sure` decide how deep the search goes: the
        others are as good as the candidates for these."""
        if self._sketch.codes is not None and self._sketch.short is not None:
            found = self._best_by_short(self._sketch.codes, self._sketch.short, wanted, sure)
            if found is not None:
                return found
        bits = self._scanned.bits
        least = max(_COARSE_LEAST, 4 * wanted, int(_COARSE_SHARE * len(bits)))
        reach = min(nearest_count(bits, least), self._most_bits)
        if self._sketch.codes is not None:
            return self._best_by_codes(self._sketch.codes, wanted, sure, reach)
        rids, estimates = self._estimated(np.flatnonzero(bits <= reach))
        first = np.argsort(estimates, kind="stable")[: wanted + _FIRST]
        exact = distances_of(self._connection, rids[first], self._query)
        farther = min(self._reach(self._calibration.coarse, exact, sure), self._most_bits)
        if farther > reach:
            more, more_estimates = self._estimated(np.flatnonzero((bits > reach) & (bits <= farther)))
            rids, estimates = np.concatenate([rids, more]), np.concatenate([estimates, more_estimates])
        left = np.ones(len(rids), np.bool_)
        left[first] = False
        return self._completed(exact, rids[left], estimates[left], (wanted, sure))

    def _best_by_short(self, codes: CodesView, short: ShortView, wanted: int, sure: int) -> Distances | None:
        """By the signs along the main directions, then by the projections on these; None where they leave too many
        candidates."""
        asked = short.directions.query(self._query)
        scanned = _scan_short(self._sketch, short, self._parts, asked.plane)
        least = max(_SHORT_LEAST, 4 * wanted, int(_COARSE_SHARE * len(scanned.bits))) + len(short.outside)
        reach = min(nearest_count(scanned.bits, least), BITS)
        at = (scanned.bits <= reach).nonzero()[0]
        if not len(at):
            return NOTHING  # all of them are gone
        if len(at) > CANDIDATES:
            return None
        products = self._products(short, asked, scanned, at)
        # Those outside have no bits that differ, and products that tell nothing: they are always compared.
        first = scanned.bits.take(at) == 0
        first[np.argpartition(-products, min(wanted + _FIRST, len(at)) - 1)[: wanted + _FIRST]] = True
        near = self._coded(codes, scanned, at[first])
        last = _last(near, sure)
        left, products = at[~first], products[~first]
        farther = asked.reach(last, SHORT_DEVIATIONS)
        if farther > reach:
            more = ((scanned.bits > reach) & (scanned.bits <= farther)).nonzero()[0]
            if len(more) > CANDIDATES:
                return None
            left = np.concatenate([left, more])
            products = np.concatenate([products, self._products(short, asked, scanned, more)])
        left = left[products >= asked.product(last, PRODUCT_DEVIATIONS)]
        return self._compared(joined([near, self._coded(codes, scanned, left)]), wanted)

    @staticmethod
    def _products(short: ShortView, asked: ShortQuery, scanned: _Scanned, at: NDArray[np.int64]) -> NDArray[np.float32]:
        products: NDArray[np.float32] = 1.0 - short.codes.distances(scanned.positions(at), asked.projected)
        return products

    def _best_by_codes(self, codes: CodesView, wanted: int, sure: int, reach: int) -> Distances:
        """The same with the copy in memory, whose distances are exact but for its slack."""
        bits = self._scanned.bits
        near = self._coded_at_most(codes, np.flatnonzero(bits <= reach))
        # As a whole number: comparing with a fraction would turn the bits of every record into floats.
        farther = int(min(self._reach(self._calibration.coarse, near, sure, CODED_DEVIATIONS), self._most_bits))
        if farther > reach:
            near = joined([near, self._coded_at_most(codes, np.flatnonzero((bits > reach) & (bits <= farther)))])
        return self._compared(near, wanted)

    def _coded_at_most(self, codes: CodesView, at: NDArray[np.int64]) -> Distances:
        if self._most is not None and len(at) > self._most:
            raise NotAtOnce
        return self._coded(codes, self._scanned, at)

    def _coded(self, codes: CodesView, scanned: _Scanned, at: NDArray[np.int64]) -> Distances:
        positions = scanned.positions(at)
        return Distances(self._sketch.rids.take(positions), codes.distances(positions, self._query))

    def _compared(self, near: Distances, wanted: int) -> Distances:
        """The best of what is known to within the slack of the copy, exactly."""
        if wanted < len(near.values):
            near = near.within(_last(near, wanted) + 2 * SLACK)
        return distances_of(self._connection, near.rids, self._query).best(wanted)

    def within(self, bound: float) -> Distances:
        """Every record of at most this distance, in no order."""
        angle = float(np.arccos(np.clip(1.0 - bound, -1.0, 1.0)))
        reach = self._calibration.coarse.reach(angle, SURE_DEVIATIONS)
        rids, estimates = self._estimated(np.flatnonzero(self._scanned.bits <= min(reach, self._most_bits)))
        near = rids[estimates <= self._calibration.fine.reach(angle, SURE_DEVIATIONS)]
        return distances_of(self._connection, near, self._query).within(bound)

    def _estimated(self, at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        positions = self._scanned.positions(at)
        columns = self._sketch.columns[:, positions]
        return self._sketch.rids[positions], refined(
            columns, query_planes(self._query), self._scanned.bits[at]
        ) / REFINED_SCALE

    @staticmethod
    def _reach(fit: Fit, found: Distances, wanted: int, deviations: float = DEVIATIONS) -> float:
        """Bits within which records lie that are nearer than the last of the best `wanted` found."""
        if len(found.values) < wanted:
            return math.inf
        return fit.reach(math.acos(1.0 - _last(found, wanted)), deviations)

    def _completed(
        self, exact: Distances, rids: NDArray[np.int64], estimates: NDArray[np.float64], depth: tuple[int, int]
    ) -> Distances:
        """Read further candidates by estimate, until none can be nearer than the last of the best."""
        wanted, sure = depth
        near = estimates <= self._reach(self._calibration.fine, exact, sure)
        rids, estimates = rids[near], estimates[near]
        order = np.argsort(estimates, kind="stable")
        rids, estimates = rids[order], estimates[order]
        start, size = 0, _BATCH
        while start < (
            end := int(np.searchsorted(estimates, self._reach(self._calibration.fine, exact, sure), "right"))
        ):
            batch = rids[start : min(start + size, end)]
            exact = joined([exact, distances_of(self._connection, batch, self._query)]).best(wanted)
            start, size = start + size, 2 * size
        return exact.best(wanted)
