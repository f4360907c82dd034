"""Rows of a statement, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import numpy as np
from numpy.typing import NDArray


def fetch(connection: apsw.Connection, sql: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Every row. The columns' types are the schema's to know (all tables are STRICT), so they are not checked here."""
    return connection.execute(sql, bindings).fetchall()


def fetch_for(connection: apsw.Connection, sql: str, rids: NDArray[np.int64]) -> list[tuple[Any, ...]]:
    """Every row of a statement over `carray(?)`, which refuses to hold no numbers at all."""
    return fetch(connection, sql, (apsw.carray(np.ascontiguousarray(rids)),)) if len(rids) else []
