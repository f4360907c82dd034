"""What chat models decided, in the data folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apsw

from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.sql import fetch_row, queries

DEFAULT_ENTRIES = 200_000
"""At most: some 40 MB."""

_SQL = queries("decisions")


class SqliteDecisions:
    """`Decisions` over a table bounded in entries. The entries stored longest ago go first: a read writes nothing."""

    def __init__(self, database: Database, *, entries: int = DEFAULT_ENTRIES) -> None:
        self._database = database
        self._entries = entries

    async def get(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """See `Decisions.get`."""

        def work(connection: apsw.Connection) -> dict[bytes, bytes]:
            rows = (fetch_row(connection, _SQL["get"], (digest,)) for digest in digests)
            return {row[0]: row[1] for row in rows if row is not None}

        return await self._database.read(work)

    async def keep(self, answers: Mapping[bytes, bytes]) -> None:
        """See `Decisions.keep`. Of more than fit the last ones stay."""

        def work(connection: apsw.Connection) -> None:
            newest: int = connection.execute(_SQL["newest"]).get
            numbered = [(*row, n) for n, row in enumerate(answers.items(), newest + 1)]
            connection.executemany(_SQL["keep"], numbered)
            connection.execute(_SQL["drop_up_to"], (newest + len(numbered) - self._entries,))

        if answers:
            await self._database.write(work)
