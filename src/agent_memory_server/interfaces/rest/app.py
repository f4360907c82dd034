"""The REST application, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from agent_memory_server import __version__
from agent_memory_server.interfaces.auth import authenticator
from agent_memory_server.interfaces.rest import docs, errors
from agent_memory_server.interfaces.rest.idempotency import Idempotency
from agent_memory_server.interfaces.rest.limits import BodyLimit, RequestLog
from agent_memory_server.interfaces.rest.openapi import describe
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.interfaces.rest.routes import (
    decisions,
    extraction,
    forget,
    health,
    jobs,
    long_term_memory,
    prompt,
    search,
    summary_views,
    working_memory,
)
from agent_memory_server.interfaces.rest.serving import Serving
from agent_memory_server.operations.application import Application

OpenApplication = Callable[[], AbstractAsyncContextManager[Application]]
"""Opens what is to be served; it is closed when the server stops."""

_SUMMARY = "Working and long-term memory for AI agents."


def create_app(open_application: OpenApplication, options: RestOptions) -> FastAPI:
    """The application as ASGI. Nothing is opened before its lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_application() as application:
            app.state.serving = Serving(
                app=application,
                options=options,
                authenticate=authenticator(options.auth),
                idempotency=Idempotency(kept_s=options.idempotency_s),
            )
            yield

    app = FastAPI(
        title="Agent Memory Server",
        summary=_SUMMARY,
        version=__version__,
        lifespan=lifespan,
        # The framework's own pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        # Its telemetry exports messages of exceptions, which may quote memory text.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    for part in (
        search,  # routes are tried in this order, and this one is asked most
        health,
        working_memory,
        extraction,
        forget,
        long_term_memory,
        prompt,
        jobs,
        decisions,
        summary_views,
        docs,
    ):
        part.add_to(app.router)
    errors.add_to(app)
    describe(app)
    app.add_middleware(BodyLimit, max_bytes=options.max_body_bytes)
    app.add_middleware(RequestLog)
    return app
