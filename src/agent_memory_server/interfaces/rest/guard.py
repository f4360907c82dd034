"""Routes that know their caller before they read a byte of the body."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from agent_memory_server.interfaces.rest.idempotency import id_source, key_of
from agent_memory_server.interfaces.rest.serving import CALLER, Caller, serving

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


async def admit(request: Request, key: str | None) -> Caller:
    """The caller of a request, noted in its scope; key: the request's idempotency key. Raises: Unauthenticated."""
    here = serving(request)
    here.app.requests.arrived()
    principal = await here.authenticate(here.app, request.headers)
    caller = Caller(app=here.app, principal=principal, new_id=id_source(principal.subject, key))
    request.scope[CALLER] = caller
    return caller


class GuardedRoute(APIRoute):
    """A route for authenticated callers."""

    def get_route_handler(self) -> Handler:
        """The handler, behind authentication."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await admit(request, None)
            return await handle(request)

        return guarded


class WriteRoute(APIRoute):
    """A route for authenticated callers that changes something: repeated with its idempotency key, it changes nothing
    more and gives the same answer."""

    def get_route_handler(self) -> Handler:
        """The handler, behind authentication and the answers kept for repeated requests."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            key = key_of(request.headers)
            caller = await admit(request, key)
            if key is None:
                return await handle(request)
            here = serving(request)
            return await here.idempotency.answer(here.app, caller.principal.subject, key, request, handle)

        return guarded
