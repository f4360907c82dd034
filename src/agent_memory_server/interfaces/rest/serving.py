"""What a request handler works with: the running application, and the caller of this request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from agent_memory_server.domain.principal import Principal
from agent_memory_server.interfaces.auth import Authenticator
from agent_memory_server.interfaces.rest.idempotency import Idempotency
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.operations.application import Application

CALLER = "agent_memory.caller"
"""Key in the ASGI scope of a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The application while it runs, with what the door adds to it."""

    app: Application
    options: RestOptions
    authenticate: Authenticator
    idempotency: Idempotency


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated request. new_id: ids for what the request leaves unnamed, the same ones when it is repeated
    with its idempotency key."""

    app: Application
    principal: Principal
    new_id: Callable[[], str]


def serving(request: Request) -> Serving:
    """The running application of a request."""
    found: Serving = request.app.state.serving
    return found


def caller(request: Request) -> Caller:
    """The caller of a request to a guarded route."""
    found: Caller = request.scope[CALLER]
    return found
