"""The blocks that this process keeps, in step with the stream of changes."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from weakref import WeakValueDictionary

from redis.asyncio import Redis

from agent_memory_server.adapters.redis.block_rows import Row, RowReader
from agent_memory_server.adapters.redis.blocks import BYTES_BESIDE, Block
from agent_memory_server.adapters.redis.changes import Change, read_changes
from agent_memory_server.adapters.redis.index import Index
from agent_memory_server.adapters.redis.places import Places
from agent_memory_server.adapters.redis.record_cache import RecordCache
from agent_memory_server.domain.errors import MemoryServerError, Unavailable
from agent_memory_server.domain.filters import EVERYTHING

_KNOWN_PLACES = 10_000
"""Of which the blocks are remembered that have their records."""

_FILLS = 5
"""How often a block is begun again when the stream breaks off under it."""


_UNSETTLED_S = 60.0
"""Longer than a change waits for its turn, an answer and further tries."""


class BlockCache:
    """Blocks used last, within a bound of bytes, and the cache of records, which follows the same stream.

    whole_bytes: see `Block`. waits: how many records a search waits for until they are read.
    """

    def __init__(
        self,
        client: Redis,
        index: Index,
        reader: RowReader,
        records: RecordCache,
        *,
        dimensions: int,
        max_bytes: int,
        whole_bytes: int,
        waits: int,
    ) -> None:
        self._client = client
        self._index = index
        self._reader = reader
        self._records = records
        self._dimensions = dimensions
        self._max_records = max_bytes // (4 * dimensions + BYTES_BESIDE)
        self._max_bytes = max_bytes
        self._whole_bytes = whole_bytes
        self._waits = waits
        self._later: dict[Places, asyncio.Task[None]] = {}
        self._blocks: OrderedDict[Places, Block] = OrderedDict()
        self._sizes: dict[Places, int] = {}
        self._holders: dict[tuple[str, str], set[Places]] = {}
        self._locks: WeakValueDictionary[Places, asyncio.Lock] = WeakValueDictionary()
        self._filling: set[_Filling] = set()
        self._position: str | None = None
        self._following = asyncio.Lock()
        self._asked = self._seen = 0
        self._pending: dict[str, tuple[str, float]] = {}

    async def follow(self) -> None:
        """Take in every change that was acknowledged before this call. Calls that wait share one reading of the stream.

        Raises: Unavailable.
        """
        self._asked += 1
        ticket = self._asked
        async with self._following:
            if self._seen >= ticket:
                return
            covered = self._asked
            while await self._read_on():
                pass
            self._seen = covered

    async def _read_on(self) -> bool:
        """One step along the stream; whether there may be more. Nothing changes between its last wait and its end, so a
        caller that is cancelled leaves everything as it was."""
        read = await read_changes(self._client, self._position)
        if read.changes is None:
            position = read.position or (await read_changes(self._client, None)).position
            self._forget()
            self._position = position
            return False
        announced = self._announced(read.changes)
        wanted = {change.id for change in read.changes if self._concerns(change)} | announced
        rows = await self._reader.read(wanted)
        self._take({id_: rows.get(id_) for id_ in wanted})
        for filling in self._filling:
            filling.changed.update((one.id, one.place) for one in read.changes if not one.access)
        if read.changes or announced:
            self._records.forget({change.id for change in read.changes} | announced)
        self._position = read.position
        return read.more

    def _announced(self, changes: Sequence[Change]) -> set[str]:
        """Records whose change was announced and not settled, for as long as whoever announced it may be at it."""
        now = time.monotonic()
        for change in changes:
            if change.announces:
                self._pending[change.announces] = (change.id, now + _UNSETTLED_S)
            self._pending.pop(change.settles, None)
        if not self._pending:
            return set()
        self._pending = {entry: one for entry, one in self._pending.items() if one[1] > now}
        return {id_ for id_, _ in self._pending.values()}

    async def read_again(self, ids: Sequence[str]) -> None:
        """Take in records as they are now, whatever the stream says of them."""
        async with self._following:
            rows = await self._reader.read(ids)
            self._take({id_: rows.get(id_) for id_ in ids})
            self._records.forget(ids)

    def _forget(self) -> None:
        self._blocks.clear()
        self._sizes.clear()
        self._holders.clear()
        self._records.clear()
        for filling in self._filling:
            filling.broken = True

    def _concerns(self, change: Change) -> bool:
        return not change.access and bool(self._concerned(change.id, change.place))

    def _concerned(self, id_: str, place: tuple[str, str] | None) -> set[Places]:
        """The blocks that have a record, or are to have one of this place."""
        found = {places for places, block in self._blocks.items() if block.knows(id_)}
        return found if place is None else found | self._holding(place)

    def _holding(self, place: tuple[str, str]) -> set[Places]:
        holders = self._holders.get(place)
        if holders is None:
            if len(self._holders) >= _KNOWN_PLACES:
                self._holders.clear()
            holders = self._holders[place] = {places for places in self._blocks if places.hold(*place)}
        return holders

    def _take(self, rows: Mapping[str, Row | None]) -> None:
        parts: dict[Places, dict[str, Row | None]] = {}
        for id_, row in rows.items():
            for places in self._concerned(id_, None if row is None else row.place):
                parts.setdefault(places, {})[id_] = row
        for places, part in parts.items():
            block = self._blocks[places]
            if block.take(part):
                self._sizes[places] = block.nbytes
                if block.worn or block.state.figures.records > self._max_records:
                    self._drop(places)
        if parts:
            self._shrink()

    def _drop(self, places: Places) -> None:
        del self._blocks[places], self._sizes[places]
        self._holders.clear()

    async def get(self, places: Places) -> Block | None:
        """The records of some places, as of the last `follow` before this call or later.

        None: the search is to do without, as they take more memory than there may be, or are so many that nobody
        should wait until they are read; that goes on meanwhile. Raises: Unavailable.
        """
        for _ in range(_FILLS):
            lock = self._locks.setdefault(places, asyncio.Lock())
            block = self._blocks.get(places)
            if block is not None:
                self._blocks.move_to_end(places)
                return block
            if places in self._later:
                return None
            async with lock:
                if places not in self._blocks and not await self._fill_now(places):
                    return None
        raise Unavailable("the changes of the records come faster than they can be read; try again")

    async def _fill_now(self, places: Places) -> bool:
        """Fill a block of few records; begin to fill one of many. Whether that was done."""
        query = places.query(EVERYTHING)
        records = 0 if query is None else await self._index.count(query)
        if records > self._max_records:
            return False
        if records > self._waits:
            task = asyncio.create_task(self._fill_later(places), name="block")
            self._later[places] = task
            task.add_done_callback(lambda _: self._later.pop(places, None))
            return False
        await self._fill(places)
        return True

    async def _fill_later(self, places: Places) -> None:
        with suppress(MemoryServerError):  # the next search asks for it again
            await self._fill(places)

    async def close(self) -> None:
        """End what goes on in the background."""
        tasks = list(self._later.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fill(self, places: Places) -> None:
        """Fill a block, unless the stream breaks off meanwhile."""
        query = places.query(EVERYTHING)
        filling = _Filling()
        self._filling.add(filling)
        try:
            found = {} if query is None else await self._reader.read(await self._index.every(query))
            while filling.changed and not filling.broken:
                changed, filling.changed = filling.changed, {}
                late = [i for i, place in changed.items() if i in found or (place and places.hold(*place))]
                now = await self._reader.read(late)
                for id_ in late:
                    found.pop(id_, None)
                found |= now
        finally:
            self._filling.discard(filling)
        if not filling.broken:
            block = Block(places, self._dimensions, self._whole_bytes)
            block.fill(found.values())
            self._blocks[places] = block
            self._sizes[places] = block.nbytes
            self._holders.clear()
            self._shrink()

    def _shrink(self) -> None:
        total = sum(self._sizes.values())
        while total > self._max_bytes and len(self._blocks) > 1:
            oldest = next(iter(self._blocks))
            total -= self._sizes[oldest]
            self._drop(oldest)


class _Filling:
    """A block that is being filled. changed: records that changed meanwhile, and where they are now; broken: the stream
    broke off."""

    def __init__(self) -> None:
        self.changed: dict[str, tuple[str, str] | None] = {}
        self.broken = False
