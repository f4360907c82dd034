"""Which records satisfied a filter, remembered until the store changes."""

from __future__ import annotations

import threading
from collections import OrderedDict

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.matching import matching_rids
from agent_memory_server.adapters.sqlite.ranges import Ranges
from agent_memory_server.adapters.sqlite.scopes import Selected
from agent_memory_server.domain.filters import Condition, TimeField, TimeNot, TimeRange

_MAX_BYTES = 8 * 1024**2

_Key = tuple[Ranges, tuple[Condition, ...]]


class Matches:
    """The last filters' records: callers repeat a filter with one query after another, and evaluating it costs 1 µs
    for each record it finds. Shared by the reading threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, tuple[int, NDArray[np.int64]]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, connection: apsw.Connection, selected: Selected, seq: int) -> NDArray[np.int64] | None:
        """`matching_rids` as of commit `seq`, which the connection sees. The array is not to be changed."""
        conditions = selected.rest.conditions
        if not conditions or any(map(_moves_without_a_commit, conditions)):
            return matching_rids(connection, selected)
        key = (selected.ranges, conditions)
        with self._lock:
            known = self._known.get(key)
            if known is not None and known[0] == seq:
                self._known.move_to_end(key)
                return known[1]
        found = matching_rids(connection, selected)
        if found is not None:
            self._keep(key, seq, found)
        return found

    def _keep(self, key: _Key, seq: int, found: NDArray[np.int64]) -> None:
        with self._lock:
            before = self._known.pop(key, None)
            self._bytes += found.nbytes - (before[1].nbytes if before else 0)
            self._known[key] = (seq, found)
            while self._bytes > _MAX_BYTES or len(self._known) > 256:
                _, (_, oldest) = self._known.popitem(last=False)
                self._bytes -= oldest.nbytes


def _moves_without_a_commit(condition: Condition) -> bool:
    # An access is noted without a new change number: it alters no text, word or vector.
    return isinstance(condition, TimeRange | TimeNot) and condition.field is TimeField.LAST_ACCESSED
