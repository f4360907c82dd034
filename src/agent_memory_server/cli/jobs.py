"""`agent-memory jobs`: background work of the data folder. A server may run on it meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence

import click

from agent_memory_server.cli.output import AS_JSON, echo_json, isoformat
from agent_memory_server.cli.run import with_application
from agent_memory_server.cli.start import FAILED
from agent_memory_server.domain.principal import LOCAL, Principal
from agent_memory_server.operations.application import Application
from agent_memory_server.operations.dead_letters import discard_dead, job_figures, job_pulse, list_dead, retry_dead
from agent_memory_server.ports.jobs import DeadJob, JobFigures, Pulse

_MOST = 10_000
_ALL = click.option("--all", "every", is_flag=True, help="All that were given up.")


@click.group(short_help="Show background work, and what was given up.")
def jobs() -> None:
    """Show background work; retry or discard what was given up."""


@jobs.command()
@AS_JSON
def status(as_json: bool) -> None:
    """Count the jobs that wait, run, and were given up, and the workers; tell whether they keep up."""

    async def work(app: Application) -> tuple[JobFigures, Pulse, float]:
        return await job_figures(app, LOCAL), await job_pulse(app, LOCAL), app.clock()

    figures, pulse, now = with_application(work)
    counted = {"waiting": figures.waiting, "running": figures.running, "dead": figures.dead, "workers": pulse.workers}
    if as_json:
        echo_json({**counted, "oldest_due_at": isoformat(pulse.oldest_due)})
        return
    click.echo(", ".join(f"{name} {count}" for name, count in counted.items()))
    if pulse.oldest_due is not None:
        click.echo(f"A job has waited for a worker for {now - pulse.oldest_due:.0f} s.")


@jobs.command()
@click.option("-l", "--limit", type=click.IntRange(1, _MOST), default=100, show_default=True, help="At most.")
@AS_JSON
def dead(limit: int, as_json: bool) -> None:
    """List the jobs that were given up, newest first."""

    async def work(app: Application) -> Sequence[DeadJob]:
        return await list_dead(app, LOCAL, limit=limit)

    found = with_application(work)
    if as_json:
        echo_json([_as_data(entry) for entry in found])
        return
    for entry in found:
        times = "1 attempt" if entry.attempts == 1 else f"{entry.attempts} attempts"
        click.echo(
            f"{entry.id}  {isoformat(entry.failed_at)}  {entry.job.kind}  {entry.job.key}  {times}: {entry.error}"
        )
    if not found:
        click.echo("No job was given up.")


@jobs.command()
@click.argument("ids", nargs=-1)
@_ALL
@AS_JSON
def retry(ids: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Queue the jobs IDS again with fresh attempts; a server runs them. Exit status 1 when there are none."""
    _each(ids, every, as_json, "Queued again", retry_dead)


@jobs.command()
@click.argument("ids", nargs=-1)
@_ALL
@AS_JSON
def discard(ids: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Forget the jobs IDS. Work that is still owed is queued again by a server. Exit status 1 when there are none."""
    _each(ids, every, as_json, "Discarded", discard_dead)


def _each(
    ids: tuple[str, ...],
    every: bool,
    as_json: bool,
    done: str,
    change: Callable[[Application, Principal, Sequence[str]], Awaitable[int]],
) -> None:
    if bool(ids) == every:
        raise click.UsageError("name ids, or use --all")

    async def work(app: Application) -> int:
        meant = [entry.id for entry in await list_dead(app, LOCAL, limit=_MOST)] if every else ids
        return await change(app, LOCAL, meant)

    count = with_application(work)
    if as_json:
        echo_json({"count": count})
    else:
        click.echo(f"{done}: {count}.")
    if not count:
        sys.exit(FAILED)


def _as_data(entry: DeadJob) -> dict[str, object]:
    return {
        "id": entry.id,
        "kind": entry.job.kind,
        "key": entry.job.key,
        "arguments": dict(entry.job.arguments),
        "group": entry.job.group,
        "attempts": entry.attempts,
        "error": entry.error,
        "failed_at": isoformat(entry.failed_at),
    }
