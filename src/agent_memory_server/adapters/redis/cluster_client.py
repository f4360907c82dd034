"""A client of a Redis Cluster that stands where a client of one server stands."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, cast

from redis import exceptions as failures
from redis.asyncio.cluster import ClusterNode, ClusterPipeline, PipelineCommand, RedisCluster

from agent_memory_server.adapters.redis.urls import Address

Node = ClusterNode
ClusterSearch = Literal["auto", "shards", "coordinator"]
"""Whether the nodes of a cluster are all asked, or one that asks the others; "auto" finds out."""

_NO_BOUND = 100_000


_AT_WORK: ContextVar[bool] = ContextVar("at_work", default=False)


@contextmanager
def _at_work() -> Iterator[None]:
    token = _AT_WORK.set(True)
    try:
        yield
    except AttributeError as exc:  # the driver's connection lost its socket between two of its steps
        raise failures.ConnectionError("a connection to a node was closed") from exc
    finally:
        _AT_WORK.reset(token)


class ClusterClient(RedisCluster):
    """Sends each command to the node that has its key. Each key is of one slot: what several slots are needed for is
    the business of who asks (`shards`, `records`).

    A command waits for its turn, `connections` of them at a time, for `pool_wait_s` at most; so do pipelines.
    search: see `shards`.
    """

    def __init__(
        self,
        address: Address,
        *,
        connections: int,
        pool_wait_s: float,
        search: ClusterSearch = "auto",
        **options: Any,
    ) -> None:
        self.search = search
        super().__init__(
            startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
            max_connections=_NO_BOUND,
            reinitialize_steps=0,
            **address.options,
            **options,
        )
        self._pool_wait_s = pool_wait_s
        self._turns = asyncio.Semaphore(connections)
        self._pipeline_turns = asyncio.Semaphore(connections)
        self._shared: dict[str, Any] = {}
        self._scripts: dict[str, str] = {}

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """See `Redis.execute_command`."""
        async with _turn(self._turns, self._pool_wait_s):
            with _at_work():
                return await super().execute_command(*args, **kwargs)

    async def aclose(self) -> None:
        """Close all connections. The driver also calls this in the middle of a command, to learn the nodes anew: then
        those that others are using stay open."""
        if _AT_WORK.get():
            self._initialize = True
        else:
            await super().aclose()
            for node in self.nodes_manager.startup_nodes.values():  # open still where no node told of the others
                await node.disconnect()

    def pipeline(self, transaction: Any | None = None, shard_hint: Any | None = None) -> _Pipeline:  # noqa: ARG002
        """Commands of any slots, without a transaction; see `Redis.pipeline`."""
        return _Pipeline(self, transaction)  # type: ignore[abstract]

    def shared(self, name: str, make: Callable[[], Any]) -> Any:
        """What all users of this client share under a name."""
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]

    def name_script(self, text: str) -> str:
        """The name by which nodes that know a script are asked to run it."""
        name = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._scripts[name] = text
        return name

    async def run_script(self, name: str, *words: Any) -> Any:
        """Run a script that has a name. words: the number of its keys, these, its arguments."""
        try:
            return await self.execute_command("EVALSHA", name, *words)
        except failures.NoScriptError:
            return await self.execute_command("EVAL", self._scripts[name], *words)

    async def look_around(self) -> None:
        """Learn anew which nodes there are, and which slots they have."""
        _ = await self.initialize()
        await self.nodes_manager.initialize()

    async def refused_by(self, node: Node, *words: Any) -> str | None:
        """What a node itself says against a command, whatever other node it names; None when it does it."""
        try:
            await node.execute_command(*words)
        except failures.ResponseError as exc:
            return "MOVED" if isinstance(exc, failures.MovedError) else str(exc)
        return None

    async def told_by(self, node: Node) -> str:
        """What a node tells of the cluster, as `CLUSTER NODES` puts it."""
        told: bytes = await node.execute_command("CLUSTER", "NODES")
        return told.decode()

    async def in_turn(self, pipe: ClusterPipeline, **how: Any) -> list[Any]:
        """Run a pipeline when it is its turn."""
        async with _turn(self._pipeline_turns, self._pool_wait_s):
            with _at_work():
                return await ClusterPipeline.execute(pipe, **how)

    async def scan_iter(  # type: ignore[override]
        self, match: str | None = None, count: int | None = None, _type: str | None = None, **kwargs: Any
    ) -> AsyncIterator[bytes]:
        """Every key of every primary; see `Redis.scan_iter`. A key that moves meanwhile may come twice."""
        _ = await self.initialize()
        for node in self.get_primaries():
            cursor = 0
            while True:
                how = {"match": match, "count": count, "_type": _type, "target_nodes": [node], **kwargs}
                cursors, found = cast("tuple[Any, list[bytes]]", await self.scan(cursor, **how))
                for key in found:
                    yield key
                cursor = int(cursors[node.name])
                if not cursor:
                    break


class NodeClient:
    """Sends commands to one node, wherever their keys are. place: its address."""

    def __init__(self, cluster: ClusterClient, node: Node) -> None:
        self._cluster, self._node = cluster, node
        self.place = str(node.name)

    async def execute_command(self, *words: Any) -> Any:
        """See `Redis.execute_command`."""
        return await self._cluster.execute_command(*words, target_nodes=[self._node])


class _Pipeline(ClusterPipeline):
    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:
        client = cast("ClusterClient", self.cluster_client)
        # The driver tells what became of each command there alone, when it raises the first failure.
        queue = self._execution_strategy._command_queue  # type: ignore[attr-defined] # noqa: SLF001
        commands: list[PipelineCommand] = list(queue)
        try:
            return await client.in_turn(self, raise_on_error=raise_on_error, allow_redirections=allow_redirections)
        except failures.NoScriptError:
            for command in commands:
                if isinstance(command.result, failures.NoScriptError):  # it did nothing
                    command.result = await client.run_script(*command.args[1:])
        failed = next((one.result for one in commands if isinstance(one.result, Exception)), None)
        if failed is not None:
            raise failed
        return [command.result for command in commands]


class _turn:  # noqa: N801 - used like a function
    """A turn that is waited for at most so long."""

    def __init__(self, turns: asyncio.Semaphore, wait_s: float) -> None:
        self._turns, self._wait_s = turns, wait_s

    async def __aenter__(self) -> None:
        async with asyncio.timeout(self._wait_s):
            await self._turns.acquire()

    async def __aexit__(self, *exc: object) -> None:
        self._turns.release()


class ClusterScript:
    """A script over keys of one slot, called as redis-py's `AsyncScript` is. Sent as a whole only to a node that does
    not know it: a new one, or one that was restarted or took over."""

    def __init__(self, client: ClusterClient, text: str) -> None:
        self._client = client
        self._name = client.name_script(text)

    async def __call__(
        self, keys: Sequence[Any] = (), args: Sequence[Any] = (), client: ClusterPipeline | None = None
    ) -> Any:
        """Run it, or add it to a pipeline."""
        if client is not None:
            return client.execute_command("EVALSHA", self._name, len(keys), *keys, *args)
        return await self._client.run_script(self._name, len(keys), *keys, *args)
