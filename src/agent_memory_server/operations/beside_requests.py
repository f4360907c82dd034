"""Background work that takes time of the process itself, and leaves it to requests while they come."""

from __future__ import annotations

import time
from collections.abc import Callable

QUIET_S = 0.25
"""Without a request for this long nobody is taken to be at work: clients that send one request after the other leave
gaps of milliseconds, and an agent that waits for its model leaves seconds."""

REST = 3.0
"""Times as long as a step took that others have the process to themselves while it is quiet: a request that comes all
the same finds it free three times out of four, and what an import leaves to do is done in minutes."""

REST_BESIDE_REQUESTS = 99.0
"""The same while requests come: a hundredth of the time. Once in a tenth of the time, the work took as much away from
searches at 16 clients."""

LONGEST_REST_S = 0.5
"""So that the work goes on, two steps in a second at the least, under any load for any time."""


class Requests:
    """When the last request came in, by any door of this process. clock: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = float("-inf")

    def arrived(self) -> None:
        """Note a request."""
        self._last = self._clock()

    def coming(self) -> bool:
        """Whether there was one within QUIET_S."""
        return self._clock() - self._last < QUIET_S

    def rest_s(self, took_s: float) -> float:
        """How long background work is to rest after a step that took this long, both in seconds."""
        return min(took_s * (REST_BESIDE_REQUESTS if self.coming() else REST), LONGEST_REST_S)
