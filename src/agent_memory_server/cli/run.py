"""How a command works on the data folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from agent_memory_server.cli.start import exit_on_refusal, started
from agent_memory_server.compose.application import application
from agent_memory_server.operations.application import Application
from agent_memory_server.settings import Loaded

T = TypeVar("T")


def with_application(
    work: Callable[[Application], Awaitable[T]], *, embedding: bool = False, errors_as_json: bool = False
) -> T:
    """Open the data folder, run `work` on it, close it. embedding: `work` needs the embedding model.

    A server may run on the same folder meanwhile. Ends the process with a reason when something is refused.
    """

    async def run(loaded: Loaded) -> T:
        async with application(loaded.settings, embedding=embedding) as app:
            return await work(app)

    with exit_on_refusal(errors_as_json=errors_as_json):
        return asyncio.run(run(started()))
