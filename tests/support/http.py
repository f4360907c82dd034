"""A REST server on 127.0.0.1, in a thread of its own: for clients that are not asyncio, and for bytes on the wire."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn

from agent_memory_server.interfaces.rest.app import create_app
from agent_memory_server.interfaces.rest.options import RestOptions
from agent_memory_server.operations.application import Application
from tests.support.rest import application

LONGEST_S = 60.0


class _Announcing(uvicorn.Server):
    """Tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def listening(folder: Path, rest: RestOptions | None = None) -> Iterator[str]:
    """The address of a running server on this folder."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Application]:
        async with application(folder) as app:
            yield app

    api = create_app(opened, rest or RestOptions())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(api, log_config=None, access_log=False, lifespan="on")
        server = _Announcing(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert server.ready.wait(LONGEST_S)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
