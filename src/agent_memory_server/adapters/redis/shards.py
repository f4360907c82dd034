"""Where an index is: on one server, or on every shard of a cluster.

A Redis Cluster without a coordinator (Redis Stack 7.4) answers a query from the shard that is asked, and an index's
name is a key: a shard can only be asked for a name of its own slots. So there is one index on each shard, whose name
holds a hash tag of a slot of that shard; all are asked at once, and whoever asks puts the answers together. A cluster
with a coordinator (Redis 8) is asked like one server; where that is not certain, all shards are asked, which is right
everywhere: a coordinator would only have each of them tell everything (`coordination`).

No answer is ever made of a part: what cannot be reached is an error, and where others than those asked have slots now,
these are asked again. While slots move all are asked twice: a key that was with neither the first time, as it left the
one before that was asked and came to the other after, is found the second time; so answers can hold a record twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

from redis import exceptions as failures
from redis.asyncio import Redis

from agent_memory_server.adapters.redis.cluster_client import ClusterClient, Node, NodeClient
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.coordination import coordinated
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.keys import SLOTS, slot_of, tag_of_slot
from agent_memory_server.domain.errors import Unavailable

T = TypeVar("T")

_ATTEMPTS = 4
_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Shard:
    """client: sends commands to this shard; name: of its index.

    loads: whether its index can look into the hashes and documents that it finds. Without a coordinator Redis 7.4 looks
    for each of them in the slot of the index's name: there only what the index itself holds in order can be told.
    """

    client: Redis
    name: str
    loads: bool = True


@dataclass(frozen=True, slots=True)
class Round(Generic[T]):
    """What the shards answered. twice: each was asked twice, so a record may be in several answers."""

    answers: Sequence[T]
    twice: bool = False


class Shards(Protocol):
    """The shards of one index. several: there may be more than one."""

    several: bool

    async def ask(self, work: Callable[[Shard], Awaitable[T]], *, building: bool = False) -> Round[T]:
        """Do some reading on every shard, at once. building: also where an index does not know all records yet.

        `work` may be done again. Raises: Unavailable.
        """
        ...

    async def existing(self) -> Sequence[Shard]:
        """The indexes that there are, one for each shard that has one; makes none. Raises: Unavailable."""
        ...


def shards_of(client: Redis, name: str) -> Shards:
    """The shards behind a client, for the index of this name."""
    cluster = cast("object", client)
    if not isinstance(cluster, ClusterClient):
        return _OneServer(Shard(client, name))
    return cast("Shards", cluster.shared(f"shards:{name}", lambda: ClusterShards(cluster, name)))


async def ensure_on(client: Redis, name: str, ensure: Callable[[Shard], Awaitable[bool]]) -> bool:
    """See to the index of each shard, now and when there is a further one; whether one was made."""
    shards = shards_of(client, name)
    if not isinstance(shards, ClusterShards):
        return any((await shards.ask(ensure)).answers)
    made: list[bool] = []

    async def make(shard: Shard) -> None:
        made.append(await ensure(shard))

    shards.made_by(make)
    answers = (await shards.ask(ensure, building=True)).answers
    shards.made_by(ensure)
    return any((*answers, *made))


MOST_FOUND = "1000000"
"""Keys that one shard tells at once: what Redis allows where nothing else is set (MAXSEARCHRESULTS)."""

Rows = list[dict[bytes, bytes]]


def rows_of(reply: Any) -> Rows:
    """The rows of an answer of FT.AGGREGATE."""
    return [row[b"extra_attributes"] for row in reply[b"results"]]


_DEEPEST = 1_000_000
"""An offset beyond this is refused by the Query Engine."""


def _whole(shards: Shards, offset: int) -> bool:
    """Whether all the rows before a page are asked for as well."""
    return shards.several or offset > _DEEPEST


def limits(shards: Shards, *, limit: int, offset: int) -> tuple[str, str]:
    """What each shard is asked for, so that a page can be cut out of all answers; see `cut`."""
    return ("0", str(offset + limit)) if _whole(shards, offset) else (str(offset), str(limit))


def cut(shards: Shards, rows: Rows, *, limit: int, offset: int) -> Rows:
    """The page out of the merged answers."""
    return rows[offset : offset + limit] if _whole(shards, offset) else rows


def merged(answers: Sequence[Rows], by: Sequence[str], *, key: str) -> Rows:
    """The rows of several answers, each once, in the order that `by` asks for in the words of SORTBY.

    key: the member that tells rows apart. Members of the order are numbers, but for `order_`.
    """
    if len(answers) == 1:
        return answers[0]
    rows = list({row[key.encode()]: row for answer in answers for row in answer}.values())
    for name, direction in reversed(list(zip(by[::2], by[1::2], strict=True))):
        member = name.removeprefix("@").encode()
        number = member != b"order_"
        rows.sort(
            key=lambda row: float(row.get(member, b"inf")) if number else row[member],
            reverse=direction == "DESC",
        )
    return rows


class _OneServer:
    several = False

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    async def ask(self, work: Callable[[Shard], Awaitable[T]], *, building: bool = False) -> Round[T]:  # noqa: ARG002
        return Round([await work(self._shard)])

    async def existing(self) -> Sequence[Shard]:
        return [self._shard]


@dataclass(frozen=True, slots=True)
class _State:
    """What a primary tells of itself. moving: keys are moving to it or away from it."""

    ranges: tuple[tuple[int, int], ...]
    moving: bool

    def has(self, slot: int) -> bool:
        return any(low <= slot <= high for low, high in self.ranges)

    def middle(self) -> int:
        """A slot that is likely to stay: slots are moved from the ends of a range."""
        low, high = max(self.ranges, key=lambda ends: ends[1] - ends[0])
        return (low + high) // 2


@dataclass(frozen=True, slots=True)
class _Located:
    """spread: each of the indexes may know the records of several shards, or all."""

    shards: Sequence[Shard]
    nodes: Sequence[Node]
    states: Sequence[_State]
    spread: bool = False


class ClusterShards:
    """One index for each primary; all of their names begin with the index's."""

    several = True

    def __init__(self, client: ClusterClient, name: str) -> None:
        self._client = client
        self._name = name
        self._make: Callable[[Shard], Awaitable[object]] | None = None
        self._known: _Located | None = None
        self._locating = asyncio.Lock()

    def made_by(self, make: Callable[[Shard], Awaitable[object]]) -> None:
        """How the index of a shard is made that has none: a new shard, or one whose name's slot was moved away."""
        self._make = make

    async def ask(self, work: Callable[[Shard], Awaitable[T]], *, building: bool = False) -> Round[T]:
        """See `Shards`."""
        failure: Exception | None = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_PAUSE_S * attempt * (0.5 + random.random()))  # noqa: S311 - spreads retries
            try:
                known = await self._locate(again=attempt > 0, building=building)
                answers = list(await asyncio.gather(*(work(shard) for shard in known.shards)))
                states = await self._states(known.nodes)
                if states == known.states and not any(state.moving for state in states):
                    return Round(answers, twice=known.spread)
                self._known = None
                answers += await asyncio.gather(*(work(shard) for shard in known.shards))
                if _cover(await self._states(known.nodes)):
                    return Round(answers, twice=True)
            except Unavailable as exc:
                if not _may_pass(exc):
                    raise
                failure = exc
        raise Unavailable("the shards of the Redis cluster keep changing, or one cannot be reached") from failure

    async def existing(self) -> Sequence[Shard]:
        """See `Shards`."""
        self._known = None
        nodes = await self._nodes()
        if await coordinated(self._client, nodes):
            return [Shard(cast("Redis", NodeClient(self._client, nodes[0])), self._name)]
        states = await self._states(nodes)
        found = await asyncio.gather(*(self._there(node, state) for node, state in zip(nodes, states, strict=True)))
        return [shards[0] for shards in found if shards]

    async def _nodes(self) -> list[Node]:
        with translating():
            await self._client.look_around()
            return self._client.get_primaries()

    async def _locate(self, *, again: bool, building: bool) -> _Located:
        async with self._locating:
            if self._known is not None and not again:
                return self._known
            self._known = None
            nodes = await self._nodes()
            if await coordinated(self._client, nodes):
                one = random.choice(nodes)  # noqa: S311 - spreads load
                self._known = _Located([Shard(cast("Redis", NodeClient(self._client, one)), self._name)], [], [])
                return self._known
            states = await self._states(nodes)
            if not _cover(states):
                raise Unavailable("a part of the Redis cluster cannot be reached")
            own = [(node, state) for node, state in zip(nodes, states, strict=True) if state.ranges]
            shards = await asyncio.gather(*(self._index_of(node, state, building=building) for node, state in own))
            spread = await self._spread([node for node, _ in own])
            located = _Located(shards, [node for node, _ in own], [state for _, state in own], spread)
            if not building:
                self._known = located
            return located

    async def _states(self, nodes: Sequence[Node]) -> list[_State]:
        with translating():
            texts = await asyncio.gather(*(self._client.told_by(node) for node in nodes))
        return [_state(text) for text in texts]

    async def _there(self, node: Node, state: _State) -> list[Shard]:
        """The indexes of a node that can be asked there."""
        client = cast("Redis", NodeClient(self._client, node))
        names = sorted(_words(await command(client, "FT._LIST")))
        return [Shard(client, name, loads=False) for name in names if self._is_mine(name) and state.has(slot_of(name))]

    async def _spread(self, nodes: Sequence[Node]) -> bool:
        """Whether several nodes have an index of one name, as a coordinator makes it."""
        clients = [cast("Redis", NodeClient(self._client, node)) for node in nodes]
        listed = await asyncio.gather(*(command(client, "FT._LIST") for client in clients))
        mine = [name for names in listed for name in _words(names) if self._is_mine(name)]
        return len(set(mine)) < len(mine)

    async def _index_of(self, node: Node, state: _State, *, building: bool) -> Shard:
        mine = await self._there(node, state)
        if not mine:
            if self._make is None:
                raise Unavailable(
                    f"a shard of the Redis cluster has no index {self._name}; the start of a server makes it"
                )
            name = f"{self._name}{{{tag_of_slot(state.middle())}}}"
            mine = [Shard(cast("Redis", NodeClient(self._client, node)), name, loads=False)]
            await self._make(mine[0])
        infos = [await command(shard.client, "FT.INFO", shard.name) for shard in mine]
        whole = [shard for shard, info in zip(mine, infos, strict=True) if not int(info[b"indexing"])]
        if not whole and not building:
            raise Unavailable("a shard of the Redis cluster is still building its index; try again later")
        return (whole or mine)[0]

    def _is_mine(self, name: str) -> bool:
        base, brace, _ = name.partition("{")
        return bool(brace) and base in (self._name, f"{self._name}:a", f"{self._name}:b")


def _state(nodes: str) -> _State:
    """From the answer of CLUSTER NODES."""
    mine = next(line.split() for line in nodes.splitlines() if "myself" in line.split()[2])
    if "master" not in mine[2]:
        return _State((), moving=False)
    slots = mine[8:]
    ranges = [word.split("-") for word in slots if not word.startswith("[")]
    return _State(
        tuple((int(ends[0]), int(ends[-1])) for ends in ranges), moving=any(word.startswith("[") for word in slots)
    )


def _cover(states: Sequence[_State]) -> bool:
    """Whether these have all slots among them."""
    next_ = 0
    for low, high in sorted(ends for state in states for ends in state.ranges):
        if low > next_:
            return False
        next_ = max(next_, high + 1)
    return next_ == SLOTS


def _words(found: Iterable[bytes | str]) -> list[str]:
    return [word.decode() if isinstance(word, bytes) else word for word in found]


def _may_pass(failure: Unavailable) -> bool:
    """Whether asking once more can help."""
    cause = failure.__cause__
    refused = isinstance(cause, failures.ResponseError) and not isinstance(cause, failures.ClusterError)
    return not refused or any(word in str(cause).casefold() for word in ("no such index", "unknown index", "cursor"))
