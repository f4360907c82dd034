"""The REST server as an ASGI application, with the upkeep that runs beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from agent_memory_server.compose.application import application
from agent_memory_server.interfaces.auth import AuthMode as DoorAuth
from agent_memory_server.interfaces.rest.app import create_app
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.interfaces.worker.upkeep import run_upkeep
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.credentials import NewToken, bootstrap_token
from agent_memory_server.settings import Settings
from agent_memory_server.settings.auth import AuthMode, decide_auth

_HOUR_S = 3600.0


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Application]:
    """An application with its upkeep: what is owed is done beside the requests."""
    async with application(settings) as app, asyncio.TaskGroup() as tasks:
        upkeep = tasks.create_task(run_upkeep(app), name="upkeep")
        try:
            yield app
        finally:
            upkeep.cancel()


def rest_app(
    settings: Settings,
    *,
    opened: Application | None = None,
    on_bootstrap: Callable[[NewToken], None] | None = None,
) -> FastAPI:
    """The REST server as an ASGI application.

    opened: an application that the caller opened and closes; by default the ASGI lifespan opens one, with upkeep.
    on_bootstrap: is given the first token when this start makes one (`bootstrap`).
    Raises: SettingsError, when the settings contradict each other; nothing is opened then.
    """
    decision = decide_auth(settings.auth, settings.server.host)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[Application]:
        async with AsyncExitStack() as stack:
            app = opened if opened is not None else await stack.enter_async_context(serving(settings))
            token = await bootstrap(app, settings)
            if token is not None and on_bootstrap is not None:
                on_bootstrap(token)
            yield app

    options = RestOptions(
        auth=DoorAuth.TOKEN if decision.mode is AuthMode.TOKEN else DoorAuth.DISABLED,
        max_body_bytes=settings.server.max_body_bytes,
        idempotency_s=settings.server.idempotency_hours * _HOUR_S,
    )
    return create_app(lifespan, options)


async def bootstrap(app: Application, settings: Settings) -> NewToken | None:
    """The first token of a server that asks for tokens only because of its address; None when it is not needed."""
    decision = decide_auth(settings.auth, settings.server.host)
    return await bootstrap_token(app) if decision.mode is AuthMode.TOKEN and not decision.chosen else None
