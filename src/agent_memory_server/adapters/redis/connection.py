"""One client per process, over a bounded pool of connections."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import ExponentialWithJitterBackoff
from redis.commands.core import AsyncScript

from agent_memory_server.adapters.redis.cluster_client import ClusterClient, ClusterScript, ClusterSearch, NodeClient
from agent_memory_server.adapters.redis.confirming import ConfirmingRedis
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.urls import Address, Shape, address_of
from agent_memory_server.domain.errors import StartRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long to wait, and how often to try.

    connections:     open at the same time; a further command waits for `pool_wait_s` at most.
    connect_s:       to open a connection.
    answer_s:        for the answer to one command; commands that block on purpose need another client.
    replicas, wait_s: how many replicas confirm a write before it counts, and how long they may take; not on a cluster.
    retries:         further tries when the connection breaks before an answer came. Every write of ours is
                     conditional or may run twice without harm.
    """

    connections: int = 50
    pool_wait_s: float = 5.0
    connect_s: float = 3.0
    answer_s: float = 10.0
    retries: int = 2
    replicas: int = 0
    wait_s: float = 2.0


def open_client(url: str, limits: Limits | None = None, *, cluster_search: ClusterSearch = "auto") -> Redis:
    """A client of what the URL names (`urls.address_of`); whoever opens closes.

    Connects with the first command. Replies are bytes, in the forms of RESP3. A client of a cluster stands where one of
    a server stands (`cluster_client`). cluster_search: how a cluster is searched (`shards`).
    Raises: StartRefused for a URL that cannot be used.
    """
    limits = limits or Limits()
    address = address_of(url)
    options: dict[str, Any] = {
        "protocol": 3,
        "socket_connect_timeout": limits.connect_s,
        "socket_timeout": limits.answer_s,
        "retry": Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), limits.retries),
    }
    turns = {"max_connections": limits.connections, "timeout": limits.pool_wait_s}
    if address.shape is Shape.SENTINEL:
        return _over(_watched(address, options, turns), limits)
    if address.shape is Shape.CLUSTER:
        if limits.replicas:
            raise StartRefused("REDIS_WAIT_REPLICAS is for one server and its replicas, not for a cluster")
        nodes = ClusterClient(
            address,
            connections=limits.connections,
            pool_wait_s=limits.pool_wait_s,
            search=cluster_search,
            **options,
        )
        return cast("Redis", nodes)
    try:
        pool = BlockingConnectionPool.from_url(address.url, **options, **turns)
    except ValueError as exc:
        raise StartRefused(f"REDIS_URL cannot be read: {exc}") from exc
    return _over(pool, limits)


def _over(pool: ConnectionPool, limits: Limits) -> Redis:
    if limits.replicas:
        return ConfirmingRedis(connection_pool=pool, replicas=limits.replicas, wait_s=limits.wait_s)
    return Redis.from_pool(pool)


class _WatchedPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the server that sentinels name; a further command waits for one."""

    async def aclose(self) -> None:
        """Close them, and those to the sentinels."""
        await super().aclose()
        for sentinel in self.sentinel_manager.sentinels:
            await sentinel.aclose()


def _watched(address: Address, options: dict[str, Any], turns: dict[str, Any]) -> _WatchedPool:
    own: dict[str, Any] = {
        name: value for name, value in options.items() if name in ("socket_connect_timeout", "socket_timeout")
    }
    own["password"] = address.sentinel_password
    if address.options.get("ssl"):
        own["ssl"] = True
    sentinel = Sentinel(list(address.hosts), sentinel_kwargs=own)  # type: ignore[no-untyped-call]
    return _WatchedPool(address.service, sentinel, **address.options, **options, **turns)  # type: ignore[no-untyped-call]


async def command(client: Redis, *words: str | bytes | float) -> Any:
    """Send one command; its reply, in bytes. Raises: Unavailable."""
    with translating():
        return await client.execute_command(*words)  # type: ignore[no-untyped-call]


async def servers_of(client: Redis) -> list[tuple[str, Redis]]:
    """Each primary of a cluster with its address, or the one server, whose address is "". Raises: Unavailable."""
    if not isinstance(cluster := cast("object", client), ClusterClient):
        return [("", client)]
    with translating():
        await cluster.look_around()
        nodes = [NodeClient(cluster, node) for node in cluster.get_primaries()]
    return [(node.place, cast("Redis", node)) for node in nodes]


async def told_by_each(client: Redis, section: str) -> list[dict[str, Any]]:
    """A section of `INFO`, of each primary of a cluster or of the one server. Raises: Unavailable."""
    return [await command(server, "INFO", section) for _, server in await servers_of(client)]


def script(client: Redis, name: str, *, changes_records: bool = False, shared: str = "") -> AsyncScript:
    """A script of `scripts/`, sent as a whole only when the server does not know it yet.

    changes_records: it can call `change_records(keys, words)`, which is the script of that name.
    shared: name of a script whose functions stand before it.
    """
    parts = [source("rest"), source(shared)] if shared else [source("rest")] if changes_records else []
    if changes_records:
        parts.insert(0, f"local function change_records(KEYS, ARGV)\n{source('change_records')}\nend\n")
    text = "\n".join([*parts, source(name)])
    if isinstance(cluster := cast("object", client), ClusterClient):
        return cast("AsyncScript", ClusterScript(cluster, text))
    registered = client.register_script(text)
    return client.known(name, registered) if isinstance(client, ConfirmingRedis) else registered


def source(name: str) -> str:
    """The text of a script of `scripts/`."""
    return files("agent_memory_server.adapters.redis").joinpath("scripts", f"{name}.lua").read_text("utf-8")
