"""One client per process, over a bounded pool of connections."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.commands.core import AsyncScript

from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.domain.errors import StartRefused

_SCHEMES = ("redis", "rediss", "unix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long to wait, and how often to try.

    connections:     open at the same time; a further command waits for `pool_wait_s` at most.
    connect_s:       to open a connection.
    answer_s:        for the answer to one command; commands that block on purpose need another client.
    retries:         further tries when the connection breaks before an answer came. Every write of ours is
                     conditional or may run twice without harm.
    """

    connections: int = 50
    pool_wait_s: float = 5.0
    connect_s: float = 3.0
    answer_s: float = 10.0
    retries: int = 2


def means_cluster(url: str) -> bool:
    """Whether a URL means a cluster: the scheme ends in `+cluster`, the query says `cluster=true`, or several hosts
    are named."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query).get("cluster", [""])[-1].casefold() == "true"
    return parts.scheme.endswith("+cluster") or asked or "," in parts.netloc.rpartition("@")[2]


def open_client(url: str, limits: Limits | None = None) -> Redis:
    """A client for `redis://`, `rediss://` and `unix://` URLs, which go to the driver whole; whoever opens closes.

    Connects with the first command. Replies are bytes, in the forms of RESP3.
    Raises: StartRefused for a URL that cannot be used.
    """
    limits = limits or Limits()
    if means_cluster(url):
        raise StartRefused("REDIS_URL names a Redis Cluster, which this version cannot use; name one Redis server")
    if urlsplit(url).scheme not in _SCHEMES:
        raise StartRefused(f"REDIS_URL must begin with {', '.join(f'{scheme}://' for scheme in _SCHEMES)}")
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            protocol=3,
            max_connections=limits.connections,
            timeout=limits.pool_wait_s,
            socket_connect_timeout=limits.connect_s,
            socket_timeout=limits.answer_s,
            retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), limits.retries),
        )
    except ValueError as exc:
        raise StartRefused(f"REDIS_URL cannot be read: {exc}") from exc
    return Redis.from_pool(pool)


async def command(client: Redis, *words: str | bytes | float) -> Any:
    """Send one command; its reply, in bytes. Raises: Unavailable."""
    with translating():
        return await client.execute_command(*words)  # type: ignore[no-untyped-call]


def script(client: Redis, name: str, *, changes_records: bool = False, shared: str = "") -> AsyncScript:
    """A script of `scripts/`, sent as a whole only when the server does not know it yet.

    changes_records: it can call `change_records(keys, words)`, which is the script of that name.
    shared: name of a script whose functions stand before it.
    """
    parts = [_source("rest"), _source(shared)] if shared else [_source("rest")] if changes_records else []
    if changes_records:
        parts.insert(0, f"local function change_records(KEYS, ARGV)\n{_source('change_records')}\nend\n")
    return client.register_script("\n".join([*parts, _source(name)]))


def _source(name: str) -> str:
    return files("agent_memory_server.adapters.redis").joinpath("scripts", f"{name}.lua").read_text("utf-8")
