"""Access tokens: random 256-bit secrets, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from agent_memory_server.domain.principal import ALL_ACTIONS, Action
from agent_memory_server.domain.scope import EVERYWHERE, Scope

PREFIX = "mem_"
"""Makes a leaked token easy to find in files and logs."""


def new_secret() -> str:
    """A fresh token: `mem_` and 32 random bytes in URL-safe base64. 256 bits need no slow hash."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """SHA-256 of the token's UTF-8 bytes, 64 lower-case hex digits: the key it is stored and found by."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A stored token. Times are Unix seconds; `expires_at` None never expires."""

    digest: str
    description: str
    created_at: float
    expires_at: float | None = None
    scope: Scope = EVERYWHERE
    actions: frozenset[Action] = ALL_ACTIONS

    def expired(self, now: float) -> bool:
        """Whether the token's time is over at `now` (Unix seconds)."""
        return self.expires_at is not None and now >= self.expires_at
