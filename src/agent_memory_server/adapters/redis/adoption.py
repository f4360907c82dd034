"""Taking over the records that another server wrote: each is given the fields that our queries need.

One process at a time walks over all keys, in batches, under a lease that ends by itself; every step may be repeated, so
a walk that was cut off is begun again and passes over what is done. Until the walk is complete, a request whose
namespace, user or session is named adopts what it needs itself; one that names none waits, and then fails with how far
the walk is: no answer is ever given from a part of the records.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.adopted_fields import GUARDED, Adopted, adopted, renewed
from agent_memory_server.adapters.redis.changes import KEPT, ChangeWriter
from agent_memory_server.adapters.redis.connection import command, script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.exact import FIELD, WORDED
from agent_memory_server.adapters.redis.filter_query import IndexQuery
from agent_memory_server.adapters.redis.index import Index, IndexOptions, ensure_index
from agent_memory_server.adapters.redis.record_fields import READ
from agent_memory_server.adapters.redis.scanning import pages
from agent_memory_server.adapters.redis.shards import Shard, shards_of
from agent_memory_server.adapters.redis.unadopted import AT_MOST, among, is_plain, narrowed
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.filters import Filter
from agent_memory_server.domain.scope import Scope

_AT_ONCE = 500
_LEASE_MS = 15_000
_POLL_S = 0.25
_ON_DEMAND = 20_000
"""A request adopts at most so many records itself: some seconds of work."""

_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a walk is.

    seen:     keys looked at, of about `total`.
    adopted:  records that were given our fields. moved: of those, the ones that now lie under the key of their id.
    debris:   hashes without a text or an id, left alone.
    conflicts: records whose id another record holds, left alone.
    """

    seen: int = 0
    total: int = 0
    adopted: int = 0
    moved: int = 0
    debris: int = 0
    conflicts: int = 0

    def plus(self, other: Progress) -> Progress:
        """Both together, of the same total."""
        return Progress(
            seen=self.seen + other.seen,
            total=self.total,
            adopted=self.adopted + other.adopted,
            moved=self.moved + other.moved,
            debris=self.debris + other.debris,
            conflicts=self.conflicts + other.conflicts,
        )


@dataclass(frozen=True, slots=True)
class _State:
    """What all processes know of the walk. complete: every record has our fields; worded: the newest of them too."""

    complete: bool
    worded: bool
    whole: bool
    seen: int
    total: int


@dataclass(frozen=True, slots=True)
class _Step:
    """A change of the record under a key, as long as that is as it was found. exact: its tokens, b"" for none."""

    key: bytes
    change: Adopted
    found: Sequence[bytes | None]
    exact: bytes

    def words(self) -> list[bytes | str]:
        """Arguments of the script."""
        values = dict(zip(READ, self.found, strict=True))
        words: list[bytes | str] = [str(len(GUARDED) + 1), FIELD, self.exact]
        for name in GUARDED:
            words += (name, values[name] or b"")
        words.append(str(len(self.change.fields)))
        for name, value in self.change.fields.items():
            words += (name, value)
        return [*words, *self.change.drop]


async def open_index(client: Redis, options: IndexOptions, *, wait_s: float = 5.0) -> Adoption:
    """See to the index, as `ensure_index` does, and begin to adopt what is there. Raises: StartRefused."""
    adoption = Adoption(client, options, wait_s=wait_s)
    await adoption.begin()
    if await ensure_index(client, options):
        await adoption.begin_again()
    return adoption


class Adoption:
    """The walk over one prefix, and what requests need before it is complete."""

    def __init__(self, client: Redis, options: IndexOptions, *, wait_s: float = 5.0) -> None:
        """wait_s: how long a request waits that names nobody."""
        self._wait_s = wait_s
        self._client = client
        self._options = options
        self._index = Index(client, options.name)
        self._stream = ChangeWriter(client)
        self._shards = shards_of(client, options.name)
        self._adopt = script(client, "adopt_record")
        self._move = script(client, "move_record")
        self._complete = False
        self._own = secrets.token_hex(8)

    async def begin(self) -> None:
        """Note whether the index knows every record: before it is given further fields, for which it is read again."""
        with suppress(Unavailable):  # there is no index yet
            await self._index_is_whole()

    async def begin_again(self) -> None:
        """The index was made just now: whatever was known of it counts no more."""
        await command(self._client, "HDEL", keys.adoption(self._options.prefix), "complete", "whole", "words")

    async def complete(self) -> bool:
        """Whether every record has our fields; asks as long as that is not so."""
        if not self._complete:
            self._complete = (await self._state()).complete
        return self._complete

    async def settled(self) -> bool:
        """Whether every record has the newest of our fields too, for which nothing waits: searches by words look for
        the others in the old way."""
        return (await self._state()).worded

    async def progress(self) -> Progress | None:
        """How far the walk is; None when it is complete."""
        if await self.complete():
            return None
        state = await self._state()
        return Progress(seen=state.seen, total=state.total)

    async def run(self) -> Progress | None:
        """Walk, or wait for the process that walks, until all is adopted; and adopt what another server wrote later.
        What this process did on its walk, None where it had none."""
        done: Progress | None = None
        if await self.settled():
            await self._adopt_found(among({}))
        while not await self.settled():
            if await self._lease():
                async for step in self.walk():
                    await self._lease()
                    done = step
                await command(self._client, "DEL", keys.adoption_lease(self._options.prefix))
            else:
                await asyncio.sleep(_POLL_S)
        return done

    async def walk(self) -> AsyncIterator[Progress]:
        """Adopt every record, batch by batch, and note that all is done. May be cut off and begun again."""
        while not await self._index_is_whole():
            await asyncio.sleep(_POLL_S)
            yield Progress(total=await self._count())
        done = Progress(total=await self._count())
        async for page in self.pages():
            done = done.plus(await self.adopt(page))
            await self._note(seen=done.seen, total=max(done.total, done.seen))
            yield done
        await self._note(complete=1, words=WORDED, seen=done.seen, total=done.seen)
        self._complete = True
        yield replace(done, total=done.seen)

    async def pages(self) -> AsyncIterator[list[bytes]]:
        """The keys of all records, some hundred at a time."""
        async for page in pages(self._client, f"{keys.literally(self._options.prefix)}:*", "hash", most=_AT_ONCE):
            yield page

    async def adopt(self, page: Sequence[bytes]) -> Progress:
        """Adopt the records under these keys; how many there were of each kind."""
        rows = await self._read(page)
        steps: list[_Step] = []
        moves: list[tuple[bytes, Adopted]] = []
        debris = 0
        for key, (found, vector_bytes, exact) in zip(page, rows, strict=True):
            key_id = keys.record_id(self._options.prefix, key.decode("utf-8", "replace"))
            change = None
            if exact is not None and key_id:
                if WORDED.encode() not in exact.split(b","):
                    change = renewed(found)
            else:
                change = adopted(
                    found,
                    id_=key_id,
                    vector_bytes=vector_bytes,
                    expected_bytes=_FLOAT_BYTES * self._options.dimensions,
                )
                debris += change is None
            if change is not None and keys.record(self._options.prefix, change.id).encode() != key:
                moves.append((key, change))
            elif change is not None:
                steps.append(_Step(key, change, found, exact or b""))
        done = await self._take(steps)
        moved = sum([await self._moved(key, change) for key, change in moves])
        return Progress(seen=len(page), adopted=done + moved, moved=moved, debris=debris, conflicts=len(moves) - moved)

    async def _read(self, page: Sequence[bytes]) -> list[tuple[list[bytes | None], int, bytes | None]]:
        async with self._client.pipeline(transaction=False) as pipe:
            for key in page:
                pipe.execute_command("HMGET", key, *READ, FIELD)
                pipe.execute_command("HSTRLEN", key, "vector")
            with translating():
                replies = await pipe.execute()
        return [(row[:-1], length, row[-1]) for row, length in zip(replies[::2], replies[1::2], strict=True)]

    async def _take(self, steps: Sequence[_Step]) -> int:
        if not steps:
            return 0
        told = [(step.change.id, _place(step.found)) for step in steps]
        async with self._stream.around(told), self._client.pipeline(transaction=False) as pipe:
            for step in steps:
                await self._adopt(keys=[step.key, *self._stream.keys], args=[str(KEPT), *step.words()], client=pipe)
            with translating():
                return sum(await pipe.execute())

    async def _moved(self, key: bytes, change: Adopted) -> bool:
        """Move a record under the key of its id; False when another record holds that."""
        there = keys.record(self._options.prefix, change.id)
        fields = await command(self._client, "HGETALL", key)
        if not fields:
            return False
        ours = {name.encode(): value for name, value in change.fields.items()}
        wanted = {name: value for name, value in (fields | ours).items() if name.decode() not in change.drop}
        words = [word for pair in wanted.items() for word in pair]
        place = (fields.get(b"namespace", b""), fields.get(b"user_id", b""))
        async with self._stream.around([(change.id, place)]):
            with translating():
                stored = await self._move(keys=[there, *self._stream.keys], args=[str(KEPT), *words])
        if not stored and not _holds(await command(self._client, "HGETALL", there), fields):
            return False
        await command(self._client, "DEL", key)
        return True

    async def ensure(self, scope: Scope, filter_: Filter) -> None:
        """See to it that a request of this scope and filter sees every record. Raises: Unavailable."""
        if await self.complete():
            return
        query = narrowed(scope, filter_)
        if query is not None and await self._index_is_whole() and await self._index.count(query) <= _ON_DEMAND:
            await self._adopt_found(query)
            return
        await self._wait()

    async def ensure_ids(self, ids: Iterable[str]) -> None:
        """See to it that records are found by their ids."""
        wanted = [id_ for id_ in dict.fromkeys(ids) if id_]
        if not wanted or await self.complete():
            return
        for start in range(0, len(wanted), AT_MOST):
            some = wanted[start : start + AT_MOST]
            await self.adopt([keys.record(self._options.prefix, id_).encode() for id_ in some])
            plain = [id_ for id_ in some if is_plain(id_)]
            if plain:
                await self._adopt_found(among({"id_": plain}))

    async def _adopt_found(self, query: IndexQuery) -> None:
        found = await self._index.every_key(query)
        mine = [key for key in found if key.startswith(f"{self._options.prefix}:".encode())]
        for start in range(0, len(mine), _AT_ONCE):
            await self.adopt(mine[start : start + _AT_ONCE])

    async def _wait(self) -> None:
        end = time.monotonic() + self._wait_s
        while not await self.complete():
            if time.monotonic() > end:
                state = await self._state()
                raise Unavailable(
                    f"records of another server are still being taken over ({state.seen} of about {state.total}); name "
                    "a user, or try again later"
                )
            await asyncio.sleep(_POLL_S)

    async def _index_is_whole(self) -> bool:
        """Whether every record is in the index, with our fields or without."""
        if (await self._state()).whole:
            return True
        if any(indexing for _, indexing in await self._told()):
            return False
        await self._note(whole=1)
        return True

    async def _count(self) -> int:
        return sum(records for records, _ in await self._told())

    async def _told(self) -> Sequence[tuple[int, int]]:
        """Of each shard how many records its index knows, and whether it is being built."""

        async def told(shard: Shard) -> tuple[int, int]:
            info = await command(shard.client, "FT.INFO", shard.name)
            return int(info[b"num_docs"]), int(info[b"indexing"])

        return (await self._shards.ask(told, building=True)).answers

    async def _state(self) -> _State:
        name = keys.adoption(self._options.prefix)
        told = await command(self._client, "HMGET", name, "complete", "words", "whole", "seen", "total")
        complete, words, whole, seen, total = told
        worded = complete is not None and words == WORDED.encode()
        return _State(complete is not None, worded, whole is not None, int(seen or 0), int(total or 0))

    async def _note(self, **values: int | str) -> None:
        words = [word for name, value in values.items() for word in (name, str(value))]
        await command(self._client, "HSET", keys.adoption(self._options.prefix), *words)

    async def _lease(self) -> bool:
        """Take the lease, or hold it for longer; whether it is ours."""
        name = keys.adoption_lease(self._options.prefix)
        if await command(self._client, "SET", name, self._own, "NX", "PX", str(_LEASE_MS)) is not None:
            return True
        if await command(self._client, "GET", name) != self._own.encode():
            return False
        return await command(self._client, "SET", name, self._own, "XX", "PX", str(_LEASE_MS)) is not None


def _place(found: Sequence[bytes | None]) -> tuple[bytes, bytes]:
    values = dict(zip(READ, found, strict=True))
    return values["namespace"] or b"", values["user_id"] or b""


def _holds(there: dict[bytes, bytes], fields: dict[bytes, bytes]) -> bool:
    """Whether a record has all of the fields that a copy of it would have, but for times of use."""
    changing = {b"last_accessed", b"access_count", b"updated_at"}
    return all(there.get(name) == value for name, value in fields.items() if name not in changing)
