"""Answers kept for repeated requests, in Redis."""

from __future__ import annotations

import json

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command, script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.ports.idempotency import KeptAnswer

_PURGED_AT_ONCE = 1_000
_FIELDS = ("request_digest", "status", "body", "headers", "expires_at")


class RedisIdempotencyStore:
    """`IdempotencyStore` over one hash per answer. An answer's time is over at `expires_at` itself."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._keep = script(client, "keep_answer")
        self._purge = script(client, "purge_answers")

    async def find(self, subject: str, key: str, *, now: float) -> KeptAnswer | None:
        """The answer given before, unless its time is over."""
        found = await command(self._client, "HMGET", keys.answer(subject, key), *_FIELDS)
        request_digest, status, body, headers, expires_at = found
        if expires_at is None or float(expires_at) <= now:
            return None
        pairs = tuple((name, value) for name, value in json.loads(headers))
        return KeptAnswer(request_digest=request_digest.decode(), status=int(status), body=body, headers=pairs)

    async def keep(self, subject: str, key: str, answer: KeptAnswer, *, now: float, expires_at: float) -> None:
        """Keep an answer, unless one that has not expired at `now` is kept under the key."""
        headers = json.dumps(answer.headers)
        fields = ("request_digest", answer.request_digest, "status", answer.status, "body", answer.body)
        with translating():
            await self._keep(
                keys=[keys.answer(subject, key), keys.ANSWER_TIMES],
                args=[repr(now), repr(expires_at), *fields, "headers", headers],
            )

    async def purge_expired(self, *, now: float) -> int:
        """Drop answers whose time is over; how many."""
        purged = 0
        with translating():
            while dropped := int(await self._purge(keys=[keys.ANSWER_TIMES], args=[repr(now), _PURGED_AT_ONCE])):
                purged += dropped
        return purged
