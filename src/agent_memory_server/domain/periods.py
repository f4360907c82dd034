"""Records that lie in a time which a question names, and how much more they count. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.domain.query import Period

Floats = NDArray[np.float64]

IN_PERIOD = 0.5
"""How much more a record of the time counts: its fused value is multiplied by 1 + this."""

TOLD_AFTER_S = 7 * 86_400.0
"""What happened is told for a while after it happened: until so long after the end of the time a message counts still,
less and less."""

DATED_DEPTH = 50
"""Records of the time that join the candidates, the nearest by meaning."""


def closeness(periods: Sequence[Period], created: Floats, events: Floats) -> Floats:
    """How much each of n records lies in one of the periods, 0 … 1, shape (n,).

    An event counts by its date. A record made in the period counts wholly, one made later less with every hour, and not
    at all after TOLD_AFTER_S.
    """
    found = np.zeros(len(created))
    for period in periods:
        late = np.maximum(created - period.end, 0.0) / TOLD_AFTER_S
        told = np.where(created >= period.start, np.maximum(1.0 - late, 0.0), 0.0)
        happened = (events >= period.start) & (events < period.end)  # False for NaN
        found = np.maximum(found, np.where(happened, 1.0, told))
    return found


def date_factors(periods: Sequence[Period], created: Floats, events: Floats) -> Floats:
    """By what each candidate's value is multiplied, shape (n,)."""
    return 1.0 + IN_PERIOD * closeness(periods, created, events)
