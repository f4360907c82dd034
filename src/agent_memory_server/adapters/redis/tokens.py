"""Access tokens in Redis.

They stand in one hash by their SHA-256, so a look-up is one step. Tokens of the reference server are kept by bcrypt,
under other keys: to check one, every entry would have to be tried at some 50 ms each. They are left alone and not
accepted; issue new ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from redis.asyncio import Redis

from agent_memory_server.adapters.redis import keys
from agent_memory_server.adapters.redis.connection import command, script
from agent_memory_server.adapters.redis.errors import translating
from agent_memory_server.domain.errors import Conflict
from agent_memory_server.domain.principal import Action
from agent_memory_server.domain.scope import Scope
from agent_memory_server.domain.token import Token


def _list(values: Iterable[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)


def _set(values: Iterable[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)


def _encoded(token: Token) -> str:
    return json.dumps(
        {
            "digest": token.digest,
            "description": token.description,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "namespaces": _list(token.scope.namespaces),
            "users": _list(token.scope.users),
            "actions": _list(token.actions),
        }
    )


def _decoded(text: bytes) -> Token:
    stored = json.loads(text)
    return Token(
        digest=stored["digest"],
        description=stored["description"],
        created_at=stored["created_at"],
        expires_at=stored["expires_at"],
        scope=Scope(_set(stored["namespaces"]), _set(stored["users"])),
        actions=frozenset(map(Action, stored["actions"])),
    )


class RedisTokenStore:
    """`TokenStore` over one hash."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._first = script(client, "first_token")

    async def find(self, digest: str) -> Token | None:
        """The token with exactly this digest, expired or not."""
        found = await command(self._client, "HGET", keys.TOKENS, digest)
        return _decoded(found) if found is not None else None

    async def add(self, token: Token) -> None:
        """Store a new token. Raises: Conflict, when the digest is there."""
        if not await command(self._client, "HSETNX", keys.TOKENS, token.digest, _encoded(token)):
            raise Conflict("this token is stored already")

    async def add_first(self, token: Token) -> bool:
        """Store a token if there is none at all; whether it is stored."""
        with translating():
            return bool(await self._first(keys=[keys.TOKENS], args=[token.digest, _encoded(token)]))

    async def list(self) -> Sequence[Token]:
        """All tokens, oldest first; equal times by digest."""
        found = await command(self._client, "HVALS", keys.TOKENS)
        return sorted(map(_decoded, found), key=lambda token: (token.created_at, token.digest))

    async def find_by_prefix(self, prefix: str) -> Sequence[Token]:
        """Tokens whose digest begins with `prefix`, literally; oldest first."""
        return [token for token in await self.list() if token.digest.startswith(prefix)]

    async def remove(self, digest: str) -> bool:
        """Delete a token; whether it was there."""
        return bool(await command(self._client, "HDEL", keys.TOKENS, digest))
