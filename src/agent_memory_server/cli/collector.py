"""The garbage collector of a process that serves."""

from __future__ import annotations

import gc

_THRESHOLDS = (10_000, 20, 20)
"""New objects until the young ones are looked at, and looks until older ones are. A request makes some hundreds, all
gone with it: with Python's own (700, 10, 10) every second or third request paid for a look at them."""


def spare_what_was_loaded() -> None:
    """Called once everything is loaded: what is there now stays to the end, so the collector never looks at it again.

    Looking at it took about a tenth of the time of searches and of large sessions.
    """
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
