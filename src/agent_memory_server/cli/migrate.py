"""`agent-memory migrate-memories` and `migrate-working-memory`: databases of the Redis Agent Memory Server."""

from __future__ import annotations

import asyncio

import click

from agent_memory_server.cli.output import AS_JSON, echo_json
from agent_memory_server.cli.progress import bar
from agent_memory_server.cli.start import exit_on_refusal, started
from agent_memory_server.settings import Settings

_SHOWN = 20


@click.command("migrate-memories", short_help="Write memories of the Redis Agent Memory Server anew.")
@AS_JSON
def migrate_memories(as_json: bool) -> None:
    """Write the memories of a Redis Agent Memory Server as this one writes them: what older versions left out or spelt
    otherwise. They are served without it, too.

    Servers may go on meanwhile. Nothing is lost if it is stopped: run it again.
    """
    with exit_on_refusal(errors_as_json=as_json):
        figures = asyncio.run(_migrate_memories(started().settings))
    if as_json:
        echo_json(figures)
        return
    click.echo(f"Wrote {figures['rewritten']} memories anew; {figures['current']} were up to date.")
    if figures["moved"]:
        click.echo(f"Moved {figures['moved']} to the key of their id.")
    if figures["conflicts"]:
        click.echo(f"Left {figures['conflicts']} alone: another memory has their id.")
    if figures["debris"]:
        click.echo(f"Left {figures['debris']} invalid ones alone; `agent-memory delete memory --invalid` drops them.")


async def _migrate_memories(settings: Settings) -> dict[str, int]:
    from agent_memory_server.compose.redis_moving import migrating_memories  # noqa: PLC0415 - only here Redis is needed

    figures = dict.fromkeys(("rewritten", "current", "moved", "conflicts", "debris"), 0)
    with bar("Migrating") as shown:
        async for step in migrating_memories(settings):
            shown.show(step.seen, step.total)
            figures = {name: getattr(step, name) for name in figures}
    return figures


@click.command("migrate-working-memory", short_help="Make documents of sessions kept as text.")
@click.option("--batch-size", type=click.IntRange(min=1), default=1000, show_default=True, help="Sessions at a time.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@AS_JSON
def migrate_working_memory(batch_size: int, dry_run: bool, as_json: bool) -> None:
    """Make documents of sessions that old versions of the Redis Agent Memory Server kept as text, with what is left of
    their time to live, and drop its old lists of sessions.

    A session whose ids do not spell its key is left alone and named. Servers may go on meanwhile; nothing is lost if it
    is stopped: run it again.
    """
    with exit_on_refusal(errors_as_json=as_json):
        settings = started().settings
        found, converted, unresolved, legacy = asyncio.run(_convert(settings, batch_size=batch_size, trial=dry_run))
    if as_json:
        names = {"found": found, "converted": converted, "unresolved": unresolved, "legacy_dropped": legacy}
        echo_json({**names, "dry_run": dry_run})
        return
    would = "Would convert" if dry_run else "Converted"
    click.echo(f"{would} {converted} of {found} sessions kept as text.")
    if legacy:
        click.echo(f"{'Would drop' if dry_run else 'Dropped'} {legacy} old lists of sessions.")
    for name in unresolved[:_SHOWN]:
        click.echo(f"Left alone, as it does not tell whose session it is: {name}", err=True)
    if len(unresolved) > _SHOWN:
        click.echo(f"… and {len(unresolved) - _SHOWN} more (--json names all).", err=True)


async def _convert(settings: Settings, *, batch_size: int, trial: bool) -> tuple[int, int, list[str], int]:
    from agent_memory_server.compose.redis_moving import migrating_sessions  # noqa: PLC0415 - only here Redis is needed

    last: tuple[int, int, list[str], int] = (0, 0, [], 0)
    with bar("Converting") as shown:
        async for step in migrating_sessions(settings, batch_size=batch_size, trial=trial):
            shown.show(step.converted, step.seen)
            last = (step.seen, step.converted, list(step.unresolved), step.legacy)
    return last
