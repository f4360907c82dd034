"""Records read for pages of results, kept for a moment: the same few come back in one page after another."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from agent_memory_server.adapters.redis.records import Records
from agent_memory_server.domain.memory import Memory

_KEPT = 5_000
"""Records at most: some 10 MB."""


class RecordCache:
    """Records by id, as of the last change that `forget` was told of. For one event loop.

    kept_s: what nobody told the stream of (a key removed by hand) is seen after so long at the latest.
    """

    def __init__(self, records: Records, *, kept_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._records = records
        self._kept_s = kept_s
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Memory]] = OrderedDict()
        self._changes = 0

    def forget(self, ids: Iterable[str]) -> None:
        """These records were changed, or read by somebody."""
        self._changes += 1
        for id_ in ids:
            self._kept.pop(id_, None)

    def clear(self) -> None:
        """Anything may have changed."""
        self._changes += 1
        self._kept.clear()

    async def read(self, ids: Sequence[str]) -> dict[str, Memory]:
        """The records that are there, by id. Raises: Unavailable."""
        now = self._clock()
        found: dict[str, Memory] = {}
        for id_ in ids:
            kept = self._kept.get(id_)
            if kept is not None and kept[0] > now:
                found[id_] = kept[1]
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            before = self._changes
            read = {id_: stored.memory for id_, stored in (await self._records.read(missing)).items()}
            found |= read
            if before == self._changes:  # else one of them may have changed after it was read
                self._keep(read, now + self._kept_s)
        return found

    def _keep(self, read: dict[str, Memory], until: float) -> None:
        for id_, memory in read.items():
            self._kept[id_] = (until, memory)
            self._kept.move_to_end(id_)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
