"""The index over sessions: the reference server's fields, and ours behind them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ClusterError, ResponseError

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.adapters.redis.exact import FIELD, token
from agent_memory_server.adapters.redis.session_document import COUNTED, KEPT, SEEN, key_of, order_of
from agent_memory_server.adapters.redis.shards import Rows, Shard, cut, ensure_on, limits, merged, rows_of, shards_of
from agent_memory_server.domain.errors import StartRefused, Unavailable
from agent_memory_server.domain.filters import TextField
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.session import SessionKey
from agent_memory_server.ports.session_store import OwedSession

_REFERENCE = (
    "$.session_id", "AS", "session_id", "TAG", "SORTABLE", "UNF",
    "$.namespace", "AS", "namespace", "TAG", "SORTABLE", "UNF",
    "$.user_id", "AS", "user_id", "TAG", "SORTABLE", "UNF",
    "$.created_at", "AS", "created_at", "NUMERIC", "SORTABLE", "UNF",
    "$.updated_at", "AS", "updated_at", "NUMERIC", "SORTABLE", "UNF",
)  # fmt: skip
_OWN: dict[str, Sequence[str]] = {
    FIELD: ("$.agent_memory.exact", "AS", FIELD, "TAG", "SEPARATOR", ",", "CASESENSITIVE"),
    "created_": ("$.agent_memory.created_at", "AS", "created_", "NUMERIC"),
    "owed_": ("$.agent_memory.owed_since", "AS", "owed_", "NUMERIC"),
    "expires_": ("$.agent_memory.expires_at", "AS", "expires_", "NUMERIC"),
    "outgrown_": ("$.agent_memory.outgrown_since", "AS", "outgrown_", "NUMERIC"),
    "order_": ("$.agent_memory.order", "AS", "order_", "TAG", "CASESENSITIVE"),
}
_SORTABLE = {
    "created_": ("SORTABLE",), "owed_": ("SORTABLE",), "expires_": ("SORTABLE",), "outgrown_": ("SORTABLE",),
    "order_": ("SORTABLE", "UNF"),
}  # fmt: skip
"""What a shard that cannot look into documents holds in order."""
_FOREIGN = f"-@{FIELD}:{{{SEEN}}}"
_BUILT_S = 600.0
_POLL_S = 0.1
_WITHOUT_LIMIT = ("TIMEOUT", "0")
_EVERY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """prefix: of the documents' keys, with its colon."""

    index: str = "working_memory_idx"
    prefix: str = "working_memory:"


async def ensure_session_index(client: Redis, options: SessionOptions) -> None:
    """Make the index, or add our fields to one that the reference server made, and wait until it holds every session.
    Several processes may do so at once.

    Raises: StartRefused, when the server cannot search or keep JSON.
    """

    async def ensure(shard: Shard) -> bool:
        return await _ensure(shard, replace(options, index=shard.name))

    await ensure_on(client, options.index, ensure)


async def _ensure(shard: Shard, options: SessionOptions) -> bool:
    """Whether the index was made."""
    client = shard.client
    own = [word for name, words in _OWN.items() for word in (*words, *(() if shard.loads else _SORTABLE.get(name, ())))]
    made = True
    try:
        await command(
            client, "FT.CREATE", options.index, "ON", "JSON", "PREFIX", "1", options.prefix,
            "SCHEMA", *_REFERENCE, *own,
        )  # fmt: skip
    except Unavailable as exc:
        made = False
        await _with_own_fields(client, options, exc)
    end = time.monotonic() + _BUILT_S
    while int((await _info(client, options))[b"indexing"]):
        if time.monotonic() > end:
            raise StartRefused(f"Redis did not finish the index {options.index} in {_BUILT_S:g} s; start again later")
        await asyncio.sleep(_POLL_S)
    return made


async def _info(client: Redis, options: SessionOptions) -> dict[bytes, Any]:
    found: dict[bytes, Any] = await command(client, "FT.INFO", options.index)
    return found


async def _names(client: Redis, options: SessionOptions) -> set[str]:
    attributes = (await _info(client, options))[b"attributes"]
    names = [entry[b"attribute"] for entry in attributes]
    return {name.decode() if isinstance(name, bytes) else name for name in names}


async def _with_own_fields(client: Redis, options: SessionOptions, failure: Unavailable) -> None:
    try:
        there = await _names(client, options)
    except Unavailable:
        raise StartRefused(
            "REDIS_URL names a Redis without the Query Engine and JSON, or one that cannot make an index; use Redis 8 "
            f"or Redis Stack 7.4 ({failure})"
        ) from failure
    for name, words in _OWN.items():
        if name not in there:
            try:
                await command(client, "FT.ALTER", options.index, "SCHEMA", "ADD", *words)
            except Unavailable:
                if name not in await _names(client, options):
                    raise


def _within(scope: Scope) -> str | None:
    """The sessions of a scope, as a query; None: the scope grants nothing."""
    parts = [f"@{FIELD}:{{{KEPT}}}"]
    for field, granted in ((TextField.NAMESPACE, scope.namespaces), (TextField.USER_ID, scope.users)):
        if granted is not None:
            if not granted:
                return None
            parts.append(f"@{FIELD}:{{{'|'.join(token(field, value) for value in sorted(granted))}}}")
    return " ".join(parts)


def _alive(now: float) -> str:
    return f"-@expires_:[-inf {now!r}]"


def _told(reply: Any) -> Any:
    """An answer; None where something else than a document has the key."""
    if isinstance(reply, Exception):
        if not isinstance(reply, ResponseError) or isinstance(reply, ClusterError):
            raise reply
        return None
    return reply


class SessionIndex:
    """Questions to the index. Answers are keys of documents, which may be gone by the time they are read."""

    def __init__(self, client: Redis, options: SessionOptions) -> None:
        self._client = client
        self._prefix = options.prefix
        self._shards = shards_of(client, options.index)

    async def count(self, scope: Scope, *, now: float | None) -> int:
        """How many sessions of a scope there are. now: None counts those too whose time is over."""
        query = _within(scope)
        if query is None:
            return 0
        return await self._count(query if now is None else f"{query} {_alive(now)}")

    async def page(
        self, scope: Scope, *, now: float, limit: int, offset: int = 0, session_id: str | None = None
    ) -> list[bytes]:
        """Sessions of a scope, the oldest first."""
        query = _within(scope)
        if query is None or limit <= 0:
            return []
        if session_id is not None:
            query += f" @{FIELD}:{{{token(TextField.SESSION_ID, session_id)}}}"
        return await self._sorted(f"{query} {_alive(now)}", "created_", limit=limit, offset=offset)

    async def owed(self, *, now: float, limit: int, after: OwedSession | None, by: str = "owed_") -> list[bytes]:
        """Sessions that are owed something, the longest owed first. by: the field that tells since when."""
        kept = f"@{FIELD}:{{{KEPT}}} {_alive(now)}"
        if after is None:
            return await self._sorted(f"{kept} @{by}:[-inf +inf]", by, limit=limit)
        behind = f"@order_ > '{order_of(after.key)}'"
        found = await self._sorted(f"{kept} @{by}:[{after.since!r} {after.since!r}]", by, limit=limit, condition=behind)
        if len(found) < limit:
            found += await self._sorted(f"{kept} @{by}:[({after.since!r} +inf]", by, limit=limit - len(found))
        return found

    async def uncounted(self, *, now: float, limit: int) -> list[bytes]:
        """Sessions of whose messages the tokens are not known."""
        query = f"@{FIELD}:{{{KEPT}}} -@{FIELD}:{{{COUNTED}}} {_alive(now)}"
        return await self._sorted(query, "created_", limit=limit)

    async def over(self, *, now: float, limit: int) -> list[bytes]:
        """Sessions whose time is over, those over longest first."""
        return await self._sorted(f"@{FIELD}:{{{KEPT}}} @expires_:[-inf {now!r}]", "expires_", limit=limit)

    async def foreign(self, *, at_once: int = 500) -> AsyncIterator[list[bytes]]:
        """Documents without our member, page by page; whoever asks for the next page has given it to these."""
        while await self._count(_FOREIGN):
            found = list(
                {key: None for page in (await self._shards.ask(self._foreign(at_once))).answers for key in page}
            )
            if not found:
                return
            yield found

    @staticmethod
    def _foreign(at_once: int) -> Callable[[Shard], Awaitable[list[bytes]]]:
        async def foreign(shard: Shard) -> list[bytes]:
            found = await command(
                shard.client, "FT.SEARCH", shard.name, _FOREIGN, "NOCONTENT", "LIMIT", "0", str(at_once),
                *_WITHOUT_LIMIT, "DIALECT", "2",
            )  # fmt: skip
            return [row[b"id"] for row in found[b"results"]]

        return foreign

    async def _count(self, query: str) -> int:
        async def count(shard: Shard) -> int:
            reply = await command(
                shard.client, "FT.SEARCH", shard.name, query, "NOCONTENT", "LIMIT", "0", "0", *_WITHOUT_LIMIT,
                "DIALECT", "2",
            )  # fmt: skip
            return int(reply[b"total_results"])

        asked = await self._shards.ask(count)
        return len(await self._sorted(query, "created_", limit=_EVERY)) if asked.twice else sum(asked.answers)

    async def _sorted(
        self, query: str, by: str, *, limit: int, offset: int = 0, condition: str | None = None
    ) -> list[bytes]:
        narrowed = ["FILTER", condition] if condition else []
        order = (f"@{by}", "ASC", "@order_", "ASC")

        async def page(shard: Shard) -> Rows:
            loaded = ("LOAD", "3", "@__key", f"@{by}", "@order_") if shard.loads else ()
            reply = await command(
                shard.client, "FT.AGGREGATE", shard.name, query, *loaded, *narrowed,
                "SORTBY", "4", *order, "MAX", str(offset + limit),
                "LIMIT", *limits(self._shards, limit=limit, offset=offset), *_WITHOUT_LIMIT, "DIALECT", "2",
            )  # fmt: skip
            return rows_of(reply)

        rows = merged((await self._shards.ask(page)).answers, order, key="order_")
        rows = cut(self._shards, rows, limit=limit, offset=offset)
        if all(b"__key" in row for row in rows):
            return [row[b"__key"] for row in rows]
        return await self._places([key_of(row[b"order_"]) for row in rows])

    async def _places(self, sessions: Sequence[SessionKey]) -> list[bytes]:
        """The keys of the documents of sessions that there are."""
        names = [keys.session(self._prefix, session) for session in sessions]
        async with self._client.pipeline(transaction=False) as pipe:
            for one in names:
                for place in (one.home, one.apart):
                    pipe.execute_command("JSON.GET", place, "$.agent_memory.key")
            with translating():
                told = iter([_told(one) for one in await pipe.execute(raise_on_error=False)])
        found = []
        for session, one in zip(sessions, names, strict=True):
            mine = f'["{keys.parts_digest(session)}"]'.encode()
            places = [place for place in (one.home, one.apart) if next(told) == mine]
            found += [place.encode() for place in places[:1]]
        return found
