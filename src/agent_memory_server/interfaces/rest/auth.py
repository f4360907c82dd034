"""Who is asking: the credential of a request turned into the principal it acts as."""

from __future__ import annotations

from typing import Protocol, assert_never

from starlette.datastructures import Headers

from agent_memory_server.domain.errors import Unauthenticated
from agent_memory_server.domain.principal import LOCAL, Principal
from agent_memory_server.interfaces.rest.options import AuthMode
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.credentials import principal_of


class Authenticator(Protocol):
    """Finds the principal of a request. Raises: Unauthenticated; Unavailable, when it cannot be told now."""

    async def __call__(self, app: Application, headers: Headers, /) -> Principal:
        """Who sends these headers."""
        ...


def secret_of(headers: Headers) -> str:
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


async def everyone(_app: Application, _headers: Headers) -> Principal:
    """Authentication is off: whoever reaches the server is its owner."""
    return LOCAL


async def by_token(app: Application, headers: Headers) -> Principal:
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
