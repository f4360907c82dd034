"""What chat models have cost, in the data folder."""

from __future__ import annotations

import apsw

from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.sql import queries

_SQL = queries("chat_spending")


class SqliteSpending:
    """`Spending` over a table of days; the last month is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spent(self, day: str) -> int:
        """Tokens spent on that day."""
        return await self._database.read(lambda connection: connection.execute(_SQL["spent"], (day,)).get or 0)

    async def add(self, day: str, tokens: int) -> int:
        """Add to a day's sum; the sum after it."""

        def work(connection: apsw.Connection) -> int:
            connection.execute(_SQL["drop_before"], (day,))
            total: int = connection.execute(_SQL["add"], (day, tokens)).get
            return total

        return await self._database.write(work)
