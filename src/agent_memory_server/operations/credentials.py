"""Access tokens: made, listed, removed, and turned into the principal that a request acts as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_memory_server.domain.errors import Conflict, InvalidRequest, NotFound, Unauthenticated
from agent_memory_server.domain.principal import ALL_ACTIONS, Action, Principal
from agent_memory_server.domain.scope import EVERYWHERE, Scope
from agent_memory_server.domain.token import Token, digest_of, new_secret
from agent_memory_server.operations.application import Application

_DAY_S = 86400.0
SHORTEST_SECRET = 16
LONGEST_DAYS = 1_000_000
BOOTSTRAP = "bootstrap"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """secret: shown once; only its digest is stored."""

    secret: str
    token: Token


async def principal_of(app: Application, secret: str) -> Principal:
    """Who presents this token. Raises: Unauthenticated, when it is unknown or expired."""
    token = await app.tokens.find(digest_of(secret))
    if token is None:
        raise Unauthenticated("Invalid token")
    if token.expired(app.clock()):
        raise Unauthenticated("Token has expired")
    return Principal(subject=f"token:{token.digest[:16]}", scope=token.scope, actions=token.actions)


async def add_token(
    app: Application,
    *,
    description: str,
    expires_days: float | None = None,
    scope: Scope = EVERYWHERE,
    actions: frozenset[Action] = ALL_ACTIONS,
    secret: str | None = None,
) -> NewToken:
    """Make and store a token. secret: use this value, 16 characters or more.

    expires_days: above 0, at most LONGEST_DAYS; None never expires.
    Raises: InvalidRequest, Conflict (the value is a token already).
    """
    if expires_days is not None and not 0 < expires_days <= LONGEST_DAYS:
        raise InvalidRequest(
            f"expires_days must be greater than 0 and at most {LONGEST_DAYS}, not {expires_days:g}",
            field="expires_days",
        )
    if not actions:
        raise InvalidRequest("a token needs at least one of read, write, admin", field="actions")
    if secret is not None and len(secret) < SHORTEST_SECRET:
        raise InvalidRequest(f"a token needs at least {SHORTEST_SECRET} characters", field="token")
    value = secret or new_secret()
    now = app.clock()
    token = Token(
        digest=digest_of(value),
        description=description,
        created_at=now,
        expires_at=None if expires_days is None else now + expires_days * _DAY_S,
        scope=scope,
        actions=actions,
    )
    await app.tokens.add(token)
    return NewToken(secret=value, token=token)


async def bootstrap_token(app: Application, secret: str) -> NewToken | None:
    """A first token with all rights when the store has none yet; None when there is one. Safe to call at each start.

    Of several servers that start at once one makes it. Raises: Unavailable; a call that is repeated with the same
    secret makes no second one, whatever became of the first.
    """
    token = Token(digest=digest_of(secret), description=BOOTSTRAP, created_at=app.clock())
    return NewToken(secret=secret, token=token) if await app.tokens.add_first(token) else None


async def find_token(app: Application, prefix: str) -> Token:
    """The one token whose digest begins with `prefix`. Raises: NotFound, Conflict (several)."""
    found: Sequence[Token] = await app.tokens.find_by_prefix(prefix.lower())
    if not found:
        raise NotFound(f"no token has a hash that begins with {prefix!r}")
    if len(found) > 1:
        raise Conflict(f"{len(found)} tokens have a hash that begins with {prefix!r}; give more characters")
    return found[0]
