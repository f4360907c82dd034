"""Who is asking: the credential of an HTTP request turned into the principal it acts as. The same for every door."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, assert_never

from agent_memory_server.domain.errors import Unauthenticated
from agent_memory_server.domain.principal import LOCAL, Principal
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.credentials import principal_of


class AuthMode(StrEnum):
    """disabled: every caller may do everything; token: a stored access token is asked for."""

    DISABLED = "disabled"
    TOKEN = "token"  # noqa: S105 - the name of a mode


class Authenticator(Protocol):
    """Finds the principal of a request. Raises: Unauthenticated; Unavailable, when it cannot be told now."""

    async def __call__(self, app: Application, headers: Mapping[str, str], /) -> Principal:
        """Who sends these headers."""
        ...


def secret_of(headers: Mapping[str, str]) -> str:
    """The secret a request presents: a bearer token, or the header X-API-Key that some clients send instead.

    Raises: Unauthenticated, when there is none.
    """
    scheme, _, secret = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        if not secret.strip():
            raise Unauthenticated("Missing bearer token")
        return secret.strip()
    key = headers.get("x-api-key", "").strip()
    if not key:
        raise Unauthenticated("Missing authorization header")
    return key


async def everyone(_app: Application, _headers: Mapping[str, str]) -> Principal:
    """Authentication is off: whoever reaches the server is its owner."""
    return LOCAL


async def by_token(app: Application, headers: Mapping[str, str]) -> Principal:
    """The principal of the stored token that the request presents, by one look-up."""
    return await principal_of(app, secret_of(headers))


def authenticator(mode: AuthMode) -> Authenticator:
    """The authenticator of a mode."""
    match mode:
        case AuthMode.DISABLED:
            return everyone
        case AuthMode.TOKEN:
            return by_token
        case _:
            assert_never(mode)
