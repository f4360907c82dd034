"""How a command gets its settings and its application, and how it ends.

Exit status: 0 done; 1 not found, refused or failed; 2 wrong usage or wrong settings. A reason is one line on stderr.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from agent_memory_server.cli.output import echo_json
from agent_memory_server.compose.application import application
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.operations.application import Application
from agent_memory_server.settings import Loaded, SettingsError, load
from agent_memory_server.settings.load import require_startable
from agent_memory_server.settings.providers import export_to
from agent_memory_server.settings.sources import DOTENV
from agent_memory_server.telemetry.log import configure_log

T = TypeVar("T")
FAILED = 1
WRONG_SETTINGS = 2


@contextmanager
def exit_on_refusal(*, errors_as_json: bool = False) -> Iterator[None]:
    """Turn the product's errors into an exit status and lines on stderr, or into `{"error": …}` on stdout."""
    try:
        yield
    except SettingsError as exc:
        for problem in exc.problems:
            click.echo(f"Error: {problem}", err=True)
        sys.exit(WRONG_SETTINGS)
    except MemoryServerError as exc:
        if errors_as_json:
            echo_json({"error": str(exc)})
        else:
            click.echo(f"Error: {exc}", err=True)
        sys.exit(FAILED)


def started() -> Loaded:
    """The settings, checked, with the log configured and provider keys in place. Raises: SettingsError."""
    loaded = load()
    require_startable(loaded.settings)
    configure_log(loaded.settings.log)
    export_to(os.environ, loaded.settings.providers, dotenv=Path(DOTENV))
    return loaded


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
