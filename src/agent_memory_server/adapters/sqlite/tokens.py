"""Access tokens in the data folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from agent_memory_server.adapters.sqlite.database import Database
from agent_memory_server.adapters.sqlite.sql import queries
from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.principal import Action
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.token import Token

_SQL = queries("tokens")
_LAST_CHARACTER = chr(0x10FFFF)


def _list(values: Iterable[str] | None) -> str | None:
    return None if values is None else json.dumps(sorted(values))


def _set(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(json.loads(text))


def _token(row: tuple[Any, ...]) -> Token:
    digest, description, created_at, expires_at, namespaces, users, actions = row
    return Token(
        digest=digest,
        description=description,
        created_at=created_at,
        expires_at=expires_at,
        scope=Scope(_set(namespaces), _set(users)),
        actions=frozenset(map(Action, json.loads(actions))),
    )


def _row(token: Token) -> tuple[Any, ...]:
    scope = token.scope
    return (
        token.digest,
        token.description,
        token.created_at,
        token.expires_at,
        _list(scope.namespaces),
        _list(scope.users),
        _list(token.actions),
    )


class SqliteTokenStore:
    """`TokenStore` over the table of tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, digest: str) -> Token | None:
        """The token with exactly this digest, expired or not."""

        def work(connection: apsw.Connection) -> Token | None:
            row = connection.execute(_SQL["find"], (digest,)).fetchone()
            return _token(row) if row else None

        return await self._database.read(work)

    async def add(self, token: Token) -> None:
        """Store a new token. Raises: Conflict, when the digest is there."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(_SQL["add"], _row(token))
            if not connection.changes():
                raise Conflict("this token is stored already")

        await self._database.write(work)

    async def add_first(self, token: Token) -> bool:
        """Store a token if there is none at all; whether it is stored."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(_SQL["add_first"], _row(token))
            return connection.execute(_SQL["find"], (token.digest,)).fetchone() is not None

        return await self._database.write(work)

    async def list(self) -> Sequence[Token]:
        """All tokens, oldest first; equal times by digest."""
        return await self.find_by_prefix("")

    async def find_by_prefix(self, prefix: str) -> Sequence[Token]:
        """Tokens whose digest begins with `prefix`, literally; oldest first."""

        def work(connection: apsw.Connection) -> Sequence[Token]:
            # A range instead of substr(), whose length() ends at a NUL; digests are hex digits, so it is exact.
            return [_token(row) for row in connection.execute(_SQL["by_prefix"], (prefix, prefix + _LAST_CHARACTER))]

        return await self._database.read(work)

    async def remove(self, digest: str) -> bool:
        """Delete a token; whether it was there."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(_SQL["remove"], (digest,))
            return connection.changes() > 0

        return await self._database.write(work)
