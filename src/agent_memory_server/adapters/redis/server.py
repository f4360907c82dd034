"""Whether a Redis server can be used, and whether it keeps what it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from agent_memory_server.adapters.redis.connection import command, servers_of
from agent_memory_server.domain.errors import StartRefused, Unavailable
from agent_memory_server.domain.finding import Finding, State

_USABLE = "use Redis 8 or Redis Stack 7.4"


async def require_modules(client: Redis) -> None:
    """Raises: StartRefused, when the server cannot search or keep JSON documents; Unavailable."""
    asked = [(server, ("FT._LIST",), "the Query Engine") for _, server in await servers_of(client)]
    for server, words, what in (*asked, (client, ("JSON.GET", "agent-memory:none"), "JSON documents")):
        try:
            await command(server, *words)
        except Unavailable as exc:
            if isinstance(exc.__cause__, ResponseError) and "unknown command" in str(exc.__cause__).lower():
                raise StartRefused(f"REDIS_URL names a Redis without {what}; {_USABLE}") from exc
            raise


async def examine_server(client: Redis) -> AsyncIterator[Finding]:
    """What there is to say about a server, one finding at a time. Changes nothing. Raises: Unavailable."""
    try:
        await require_modules(client)
    except StartRefused as exc:
        yield Finding("redis", State.FAILED, str(exc))
        return
    for place, server in await servers_of(client):
        async for finding in _examined(server):
            yield replace(finding, detail=f"{place}: {finding.detail}") if place else finding


async def _examined(client: Redis) -> AsyncIterator[Finding]:
    server = await command(client, "INFO", "server")
    yield Finding("redis", State.OK, f"Redis {_text(server, 'redis_version')}, with the Query Engine and JSON")
    replication = await command(client, "INFO", "replication")
    if _text(replication, "role") == "slave":
        yield Finding("redis role", State.FAILED, "this is a replica, which takes no writes; name the primary")
    yield _persistence(await command(client, "INFO", "persistence"), await _configured(client, "save"))
    yield _eviction(await command(client, "INFO", "memory"))


def _persistence(info: Mapping[Any, Any], save: str | None) -> Finding:
    name = "redis persistence"
    if _text(info, "aof_last_write_status") == "err" or _text(info, "rdb_last_bgsave_status") == "err":
        return Finding(name, State.FAILED, "the last attempt to write to disk failed; see the log of Redis")
    if _text(info, "aof_enabled") == "1":
        return Finding(name, State.OK, "append-only file")
    remedy = "set `appendonly yes` (and `appendfsync always` where not even a second may be lost)"
    if save == "":
        return Finding(
            name, State.WARNING, f"nothing is written to disk: a restart of Redis loses everything; {remedy}"
        )
    detail = f"snapshots only: a crash of Redis loses what was written since the last one; {remedy}"
    return Finding(name, State.WARNING, detail)


def _eviction(info: Mapping[Any, Any]) -> Finding:
    name = "redis eviction"
    policy = _text(info, "maxmemory_policy")
    if policy in ("noeviction", ""):
        return Finding(name, State.OK, "nothing is dropped when memory is short (noeviction)")
    lost = "memories and sessions" if policy.startswith("allkeys") else "sessions and everything else that expires"
    now = "" if _text(info, "maxmemory") != "0" else ", once a limit (maxmemory) is set"
    return Finding(
        name,
        State.WARNING,
        f"{policy} drops {lost} when memory is short{now}; set `maxmemory-policy noeviction`: writes then fail "
        "instead, and nothing is lost",
    )


async def _configured(client: Redis, name: str) -> str | None:
    """A setting of the server; None where it does not tell."""
    try:
        found = await command(client, "CONFIG", "GET", name)
    except Unavailable:
        return None
    pairs = {_word(key): _word(value) for key, value in dict(found).items()}
    return pairs.get(name)


def _text(info: Mapping[Any, Any], name: str) -> str:
    return _word(info.get(name, info.get(name.encode(), "")))


def _word(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
