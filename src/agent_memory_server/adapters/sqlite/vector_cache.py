"""Vectors of texts embedded before, in the data folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apsw
import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.sql import queries

DEFAULT_ENTRIES = 20_000
"""31 MB of 384-dimensional vectors: the texts of some weeks of one person's use."""

_SQL = queries("vector_cache")
_FLOAT = np.dtype("<f4")


class SqliteVectorCache:
    """`VectorCache` over a table bounded in entries. The entries stored longest ago go first: a read writes nothing."""

    def __init__(self, database: Database, *, entries: int = DEFAULT_ENTRIES) -> None:
        self._database = database
        self._entries = entries

    async def get(self, model: str, digests: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The vectors that are there, by digest; read-only arrays."""

        def work(connection: apsw.Connection) -> dict[bytes, NDArray[np.float32]]:
            found = {}
            for digest in digests:
                row = connection.execute(_SQL["get"], (model, digest)).fetchone()
                if row is not None:
                    found[digest] = np.frombuffer(row[0], dtype=_FLOAT)
            return found

        return await self._database.read(work)

    async def put(self, model: str, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep vectors. Of more than fit the last ones stay."""
        rows = [(model, digest, np.ascontiguousarray(v, dtype=_FLOAT).tobytes()) for digest, v in vectors.items()]

        def work(connection: apsw.Connection) -> None:
            # `used` numbers the stored vectors: whoever is `entries` numbers behind the newest goes. No counting.
            newest: int = connection.execute(_SQL["newest"]).get
            numbered = [(*row, number) for number, row in enumerate(rows, newest + 1)]
            connection.executemany(_SQL["put"], numbered)
            connection.execute(_SQL["drop_up_to"], (newest + len(rows) - self._entries,))

        if rows:
            await self._database.write(work)
