"""MCP on stdin and stdout, answering while the engine is still being loaded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, BinaryIO

from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.interfaces.mcp.caller import Caller
from agent_memory_server.interfaces.mcp.stdio import serve
from agent_memory_server.interfaces.mcp.surface import Surface
from agent_memory_server.settings import Settings

if TYPE_CHECKING:
    from agent_memory_server.interfaces.mcp.door import Door


async def serve_stdio(settings: Settings, reader: BinaryIO, writer: BinaryIO) -> None:
    """Serve the client on these streams until it closes its end. Other processes may serve the same folder.

    Raises: StartRefused, Unavailable, when the engine cannot be opened.
    """
    ready: asyncio.Future[Door] = asyncio.get_running_loop().create_future()
    closing = asyncio.Event()
    engine = asyncio.create_task(_engine(settings, ready, closing), name="engine")
    caller = Caller(namespace=settings.mcp.default_namespace, user_id=settings.mcp.default_user)
    client = asyncio.create_task(serve(Surface(lambda: asyncio.shield(ready)), caller, reader, writer), name="client")
    try:
        await asyncio.wait({engine, client}, return_when=asyncio.FIRST_COMPLETED)
        if engine.done():
            engine.result()
        await client
    finally:
        client.cancel()
        closing.set()
        await asyncio.gather(engine, client, return_exceptions=True)


async def _engine(settings: Settings, ready: asyncio.Future[Door], closing: asyncio.Event) -> None:
    from_here = await asyncio.to_thread(_load)
    try:
        async with from_here.serving(settings) as app:
            ready.set_result(from_here.Door(app))
            await closing.wait()
    except MemoryServerError as exc:
        if not ready.done():
            ready.set_exception(exc)
        raise


class _Loaded:
    """What loading brought."""

    def __init__(self) -> None:
        # Loaded here, in a thread, and not above: together they take longer than a client waits for its first answer.
        from agent_memory_server.compose.serving import serving  # noqa: PLC0415
        from agent_memory_server.interfaces.mcp.door import Door  # noqa: PLC0415

        self.serving = serving
        self.Door = Door


def _load() -> _Loaded:
    return _Loaded()
