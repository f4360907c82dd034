"""How a command gets its settings, and how it ends. Light: a command that must answer at once needs nothing more.

Exit status: 0 done; 1 not found, refused or failed; 2 wrong usage or wrong settings. A reason is one line on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from agent_memory_server.cli.output import echo_json
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.settings import Loaded, SettingsError, load
from agent_memory_server.settings.providers import export_to
from agent_memory_server.settings.sources import DOTENV
from agent_memory_server.telemetry.log import configure_log

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
    configure_log(loaded.settings.log)
    export_to(os.environ, loaded.settings.providers, dotenv=Path(DOTENV))
    return loaded
