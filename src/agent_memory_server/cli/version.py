"""`agent-memory version`."""

from __future__ import annotations

import click

from agent_memory_server import __version__


@click.command(short_help="Print the version.")
def version() -> None:
    """Print the version of the server."""
    click.echo(f"agent-memory-server version {__version__}")
