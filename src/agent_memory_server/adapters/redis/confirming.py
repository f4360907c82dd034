"""A client whose writes count as done when replicas have them, too: what is acknowledged then survives the primary.

`WAIT` speaks of the writes of its own connection, so it follows each write on the connection of that write.
"""

from __future__ import annotations

from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.commands.core import AsyncScript

from agent_memory_server.domain.errors import Unavailable

_WRITES = frozenset(
    "EVAL EVALSHA SET SETEX DEL UNLINK RENAME COPY EXPIRE HSET HSETNX HDEL JSON.SET JSON.DEL JSON.MERGE "
    "SADD SREM ZADD ZREM XADD XTRIM".split()
)
_UNCONFIRMED = frozenset({"read_records", "read_session", "note_access", "jobs"})
"""Scripts that store nothing, or only what a failover may lose: the queue is a hint."""


class ConfirmingRedis(Redis):
    """`Redis` that waits for replicas after each write outside of a transaction. Raises: Unavailable, when they do not
    confirm it in time: the primary has it then, and who repeats the request does no harm."""

    def __init__(self, *, connection_pool: ConnectionPool, replicas: int, wait_s: float) -> None:
        super().__init__(connection_pool=connection_pool)
        self.auto_close_connection_pool = True
        self._wait = (replicas, int(wait_s * 1000))
        self._unconfirmed: set[str] = set()

    def known(self, name: str, script: AsyncScript) -> AsyncScript:
        """Take a script of ours, by its name."""
        if name in _UNCONFIRMED:
            self._unconfirmed.add(str(script.sha))
        return script

    def writes(self, words: tuple[Any, ...]) -> bool:
        """Whether a command is to be confirmed."""
        return words[0] in _WRITES and not (words[0] == "EVALSHA" and words[1] in self._unconfirmed)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command; a write is answered when it is confirmed."""
        confirmed = {"confirmed": True} if self.writes(args) else {}
        return await super().execute_command(*args, **options, **confirmed)  # type: ignore[no-untyped-call]

    async def parse_response(self, connection: Any, command_name: str | bytes, **options: Any) -> Any:
        """Read an answer, and for a write that of the replicas."""
        confirmed = options.pop("confirmed", False)
        response = await super().parse_response(connection, command_name, **options)
        if confirmed:
            await connection.send_command("WAIT", *self._wait)
            self.check(await connection.read_response())
        return response

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """A pipeline; one that is no transaction is confirmed as a whole."""
        if transaction:
            return super().pipeline(transaction, shard_hint)
        return _ConfirmingPipeline(self)

    def stage_wait(self, pipeline: Pipeline) -> None:
        """Let a pipeline end with the answer of the replicas."""
        pipeline.execute_command("WAIT", *self._wait)

    def check(self, confirmed: int) -> None:
        """Raises: Unavailable, when fewer replicas than wanted have it."""
        wanted, wait_ms = self._wait
        if confirmed < wanted:
            raise Unavailable(
                f"{confirmed} of {wanted} replicas of Redis (REDIS_WAIT_REPLICAS) confirmed a write within "
                f"{wait_ms / 1000:g} s; it may be lost with the primary, so try again"
            )


class _ConfirmingPipeline(Pipeline):
    def __init__(self, client: ConfirmingRedis) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, False, None)
        self._client = client

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send all, and confirm the writes among them."""
        if not any(self._client.writes(words) for words, _ in self.command_stack):
            return await super().execute(raise_on_error)
        self._client.stage_wait(self)
        *results, confirmed = await super().execute(raise_on_error)
        self._client.check(confirmed)
        return results
