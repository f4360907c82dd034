"""Answers kept for repeated requests, in the data folder."""

from __future__ import annotations

import json

import apsw

from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.sql import queries
from agent_memory_server.ports.idempotency import KeptAnswer

_SQL = queries("answers")


class SqliteIdempotencyStore:
    """`IdempotencyStore` over the table of answers. An answer's time is over at `expires_at` itself."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, subject: str, key: str, *, now: float) -> KeptAnswer | None:
        """The answer given before, unless its time is over."""

        def work(connection: apsw.Connection) -> KeptAnswer | None:
            row = connection.execute(_SQL["find"], (subject, key, now)).fetchone()
            if row is None:
                return None
            request_digest, status, body, headers = row
            pairs = tuple((name, value) for name, value in json.loads(headers))
            return KeptAnswer(request_digest=request_digest, status=status, body=body, headers=pairs)

        return await self._database.read(work)

    async def keep(self, subject: str, key: str, answer: KeptAnswer, *, now: float, expires_at: float) -> None:
        """Keep an answer, unless one that has not expired at `now` is kept under the key."""
        headers = json.dumps(answer.headers)
        row = (subject, key, answer.request_digest, answer.status, answer.body, headers, expires_at, now)
        await self._database.write(lambda connection: _execute(connection, "keep", row))

    async def purge_expired(self, *, now: float) -> int:
        """Drop answers whose time is over; how many."""
        return await self._database.write(lambda connection: _execute(connection, "purge_expired", (now,)))


def _execute(connection: apsw.Connection, query: str, values: tuple[apsw.SQLiteValue, ...]) -> int:
    connection.execute(_SQL[query], values)
    return connection.changes()
