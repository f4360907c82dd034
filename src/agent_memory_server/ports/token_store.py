"""Access tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agent_memory_server.domain.token import Token


class TokenStore(Protocol):
    """Durable access tokens, by the SHA-256 of their secret."""

    async def find(self, digest: str) -> Token | None:
        """The token with exactly this digest, in one look-up, expired or not."""
        ...

    async def add(self, token: Token) -> None:
        """Store a new token. Raises: Conflict, when the digest is there."""
        ...

    async def add_first(self, token: Token) -> bool:
        """Store a token if there is none at all, in one step; whether it is stored. Of several callers at most one is
        told so, and told so again when it repeats the call with its token."""
        ...

    async def list(self) -> Sequence[Token]:
        """All tokens, oldest first."""
        ...

    async def find_by_prefix(self, prefix: str) -> Sequence[Token]:
        """Tokens whose digest begins with `prefix` (hex digits), oldest first."""
        ...

    async def remove(self, digest: str) -> bool:
        """Delete a token; whether it was there."""
        ...
