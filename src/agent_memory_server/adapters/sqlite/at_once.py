"""What may be answered on the event loop itself: work of a fraction of a millisecond, on what is in memory already.

Handing such a search to a reading thread and back costs more than the search: two changes of thread under one
interpreter lock, and two cold caches. The bounds are numbers of records, not times, so that the same search takes the
same way on every machine.
"""

from __future__ import annotations

from agent_memory_server.domain.filters import Condition, Match, Op, TextField
from agent_memory_server.domain.query import Mode, StoreQuery
from agent_memory_server.domain.scope import Scope

BLOCK_RECORDS = 5_000
"""Of a block in memory: compared in 0.15 ms at 384 dimensions."""

WIDE_RECORDS = 65_536
"""Of a store whose sketch and codes are in memory: one step of the scan, 0.25 ms at 384 dimensions."""

CANDIDATES = 3_000
"""That a wide search compares by their codes: 0.25 ms. Clustered data needs some hundred; data without structure more,
and goes to the threads."""

DEEPEST = 100
"""Places behind which a page is no business of the event loop."""

_VALUES = 16
_PLACE = frozenset({TextField.NAMESPACE, TextField.USER_ID})


class NotAtOnce(Exception):
    """It takes longer than it seemed: ask a reading thread."""


def may_be_short(scope: Scope, query: StoreQuery) -> bool:
    """Whether nothing in the question itself asks for long work: by meaning, over whole places, near the top."""
    if query.mode is not Mode.SEMANTIC or query.vector is None or query.explain:
        return False
    if query.within is not None or query.min_relevance is not None:
        return False  # counts everything within a distance
    if query.offset + query.limit > DEEPEST:
        return False
    granted = (scope.namespaces, scope.users)
    return all(names is None or len(names) <= _VALUES for names in granted) and all(
        map(_names_places, query.filter.conditions)
    )


def _names_places(condition: Condition) -> bool:
    """An index finds the places of a condition that names a few; all others are looked for among all places."""
    return (
        isinstance(condition, Match)
        and condition.field in _PLACE
        and condition.op is Op.ANY
        and len(condition.values) <= _VALUES
    )
