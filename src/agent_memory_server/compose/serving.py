"""An application with what runs beside the requests, and the first token of a server that needs one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from agent_memory_server.compose.application import opened
from agent_memory_server.domain.errors import Unavailable
from agent_memory_server.domain.token import new_secret
from agent_memory_server.interfaces.auth import AuthMode as DoorAuth
from agent_memory_server.interfaces.worker.background import background, queueing
from agent_memory_server.interfaces.worker.settings import worker_options
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.credentials import NewToken, bootstrap_token
from agent_memory_server.settings import Settings
from agent_memory_server.settings.auth import AuthMode, decide_auth

_RETRY_S = 1.0


def only_queues(settings: Settings, *, unless_said: bool) -> bool:
    """Whether a server leaves background work to other processes. unless_said: what holds without USE_DOCKET."""
    return unless_said if settings.tasks.docket is None else settings.tasks.docket


def queues_without_a_word(settings: Settings) -> bool:
    """What holds for the REST server without USE_DOCKET: on Redis it only queues, as the reference server does."""
    return settings.redis.url is not None


@asynccontextmanager
async def serving(settings: Settings, *, only_queue: bool = False) -> AsyncIterator[Application]:
    """An application with its background work, which is done beside the requests, or queued for other processes.

    only_queue: what holds where USE_DOCKET does not say.
    """
    elsewhere = only_queues(settings, unless_said=only_queue)
    # Several servers of one Redis would embed the same texts, each for itself; on a data folder a job costs commits.
    each = settings.redis.url is None
    async with opened(settings, embedding=True, claim=True, patient=True) as running:
        work = background(running.app, running.claims, worker_options(settings.worker), embedding=each)
        async with queueing(running.app) if elsewhere else work:
            yield running.app


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[Application]:
    """An application that does background work and serves nobody, as long as the context lasts; at its end running jobs
    are given time to end, or are handed back."""
    async with (
        opened(settings, embedding=True, claim=True, patient=True) as running,
        background(running.app, running.claims, worker_options(settings.worker), embedding=False),
    ):
        yield running.app


def door_auth(settings: Settings, host: str) -> DoorAuth:
    """Whether a door on this address asks for tokens. Raises: SettingsError, when the settings are contradictory."""
    mode = decide_auth(settings.auth, host).mode
    return DoorAuth.TOKEN if mode is AuthMode.TOKEN else DoorAuth.DISABLED


@asynccontextmanager
async def first_token(
    app: Application, settings: Settings, host: str, tell: Callable[[NewToken], None]
) -> AsyncIterator[None]:
    """See to it that a server that asks for tokens only because of its address has one. tell: is given it when it was
    made here, once it is stored.

    While the store does not answer, the server runs all the same, and the store is asked again as long as the context
    lasts; nobody gets in meanwhile, as no token can be looked up.
    """
    decision = decide_auth(settings.auth, host)
    if decision.mode is not AuthMode.TOKEN or decision.chosen:
        yield
        return
    secret = new_secret()  # one for all attempts: what became of one whose answer was lost does not matter
    try:
        made = await bootstrap_token(app, secret)
    except Unavailable:
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(_first_token_later(app, secret, tell), name="first_token")
            try:
                yield
            finally:
                waiting.cancel()
        return
    if made is not None:
        tell(made)
    yield


async def _first_token_later(app: Application, secret: str, tell: Callable[[NewToken], None]) -> None:
    while True:
        await asyncio.sleep(_RETRY_S)
        try:
            made = await bootstrap_token(app, secret)
        except Unavailable:
            continue
        if made is not None:
            tell(made)
        return
