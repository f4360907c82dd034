"""Numbered, forward-only migrations of the schema; each is one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

import apsw

from agent_memory_server.domain.errors import StartRefused

_FILE = re.compile(r"^(\d{4})_\w+\.sql$")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its number and its SQL."""

    number: int
    sql: str


def migrations() -> list[Migration]:
    """All migrations that ship with the package, in order."""
    folder = resources.files(__package__) / "migrations"
    found = [
        Migration(int(match.group(1)), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if (match := _FILE.match(entry.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


def schema_version(connection: apsw.Connection) -> int:
    """The number of the last migration applied; 0 for a new file."""
    return int(connection.pragma("user_version"))


def migrate(connection: apsw.Connection) -> None:
    """Bring the file to the newest schema. Safe when several processes start at once.

    Raises: StartRefused, when a newer server has written the file.
    """
    steps = migrations()
    newest = steps[-1].number
    if schema_version(connection) > newest:
        raise StartRefused(
            f"the data folder was written by a newer server (schema {schema_version(connection)}, this one knows "
            f"{newest}); upgrade this server, or set MEMORY_DATA_DIR to another folder"
        )
    for step in steps:
        if schema_version(connection) >= step.number:
            continue
        connection.execute("BEGIN IMMEDIATE")
        try:
            if schema_version(connection) < step.number:  # another process may have been first
                connection.execute(step.sql)
                connection.execute(f"PRAGMA user_version={step.number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
