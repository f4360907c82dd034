"""How many words the records of some places hold on average, for places that are not in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import stems
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.adapters.redis.hashes import HashReader
from agent_memory_server.adapters.redis.index import Index
from agent_memory_server.adapters.redis.places import Places

_PARTS = 5
_EACH = 200
_KEPT = 1_000
"""Places whose figure is kept."""

_KEPT_S = 60.0
_CHANGED = 1.1
"""A figure is taken again when there are so many times more records, or fewer."""


@dataclass(frozen=True, slots=True)
class _Known:
    records: int
    mean: float
    at: float


class TextLengths:
    """Counts up to a thousand records of a place, from several parts of the index; all of fewer. A figure of more is
    kept for a minute."""

    def __init__(self, client: Redis, index: Index, *, prefix: str) -> None:
        self._index = index
        self._reader = HashReader(client, prefix=prefix, fields=(stems.FIELD,))
        self._known: OrderedDict[Places, _Known] = OrderedDict()

    async def mean(self, places: Places, query: IndexQuery, records: int) -> float:
        """Words of a record on average. query: of all records of the places, of which there are so many.

        Raises: Unavailable.
        """
        known = self._known.get(places)
        now = time.monotonic()
        if (
            known is not None
            and now - known.at < _KEPT_S
            and known.records / _CHANGED < records < known.records * _CHANGED
        ):
            return known.mean
        mean = await self._measured(query)
        if records > _PARTS * _EACH:
            self._known[places] = _Known(records, mean, now)
            self._known.move_to_end(places)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return mean

    async def _measured(self, query: IndexQuery) -> float:
        ids = await self._index.sample(query, parts=_PARTS, each=_EACH)
        fields = [field for (field,) in await self._reader.read(ids) if field is not None]
        return sum(map(stems.counted, fields)) / max(len(fields), 1)
