"""SQL lives in named queries beside the module that runs them: `queries/<file>.sql`, `-- name: <query>`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Any

import apsw

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def queries(file: str) -> dict[str, str]:
    """The named queries of `queries/<file>.sql`, by name."""
    text = (resources.files(__package__) / "queries" / f"{file}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return {name: body.strip().rstrip(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def fetch(connection: apsw.Connection, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    rows: list[tuple[Any, ...]] = connection.execute(statement, values).fetchall()
    return rows


def fetch_row(connection: apsw.Connection, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row of a statement, or None."""
    rows = fetch(connection, statement, values)
    return rows[0] if rows else None


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """All statements inside see one state of the store. Keep it short: an open snapshot keeps the log growing."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:  # a failed statement may have ended it
            connection.execute("COMMIT")
