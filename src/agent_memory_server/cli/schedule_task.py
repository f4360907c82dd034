"""`agent-memory schedule-task`: queue background work by its name."""

from __future__ import annotations

import sys

import click

from agent_memory_server.cli.run import with_application
from agent_memory_server.cli.start import FAILED
from agent_memory_server.domain.errors import RequestRefused
from agent_memory_server.interfaces.worker.tasks import schedule, task_called
from agent_memory_server.operations.application import Application


@click.command(name="schedule-task", short_help="Queue background work by its name.")
@click.argument("task_path")
@click.option("-a", "--args", "given", multiple=True, help="An argument as name=value; repeatable.")
def schedule_task(task_path: str, given: tuple[str, ...]) -> None:
    """Queue the work TASK_PATH, due now: a kind of job, or the dotted path of a task of the reference server.

    A worker runs it. Exit status 1 when there is no such task, or it takes other arguments.
    """
    arguments: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            click.echo(f"Invalid argument format: {pair}. Use name=value.", err=True)
            sys.exit(FAILED)
        arguments[name] = value
    try:
        _ = task_called(task_path)
    except RequestRefused as exc:
        click.echo(f"Error importing task: {exc}", err=True)
        sys.exit(FAILED)

    async def work(app: Application) -> None:
        await schedule(app, task_path, arguments)

    with_application(work)
    click.echo(f"Queued {task_path}.")
