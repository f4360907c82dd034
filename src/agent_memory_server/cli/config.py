"""`agent-memory config`: what is set, from where, and whether the server would start with it."""

from __future__ import annotations

import click

from agent_memory_server.cli.output import echo_json
from agent_memory_server.cli.start import exit_on_refusal
from agent_memory_server.settings import load
from agent_memory_server.settings.auth import decide_auth


@click.group(short_help="Show and check the settings.")
def config() -> None:
    """Show and check the settings."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--given", is_flag=True, help="Only what differs from the defaults' own source: variables that were set.")
def show(as_json: bool, given: bool) -> None:
    """Print every setting, its value and where it came from. Secrets are hidden."""
    with exit_on_refusal():
        rows = [row for row in load().shown() if not given or row[2] != "default"]
    if as_json:
        echo_json({variable.name: {"value": value, "origin": origin} for variable, value, origin in rows})
        return
    for variable, value, origin in rows:
        click.echo(f"{variable.name}={'' if value is None else value}  # {origin}")


@config.command()
def check() -> None:
    """Say whether the server would start with these settings. Exit status 2 when it would not."""
    with exit_on_refusal():
        loaded = load()
        decide_auth(loaded.settings.auth, loaded.settings.server.host)
    for name in loaded.without_effect:
        click.echo(f"{name} is set and has no effect in this version.")
    click.echo("The settings are valid.")
