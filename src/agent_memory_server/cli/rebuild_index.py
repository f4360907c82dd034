"""`agent-memory rebuild-index`: everything that is derived from the stored records, made again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from agent_memory_server.cli.start import exit_on_refusal, started
from agent_memory_server.compose.maintenance import rebuilding, reembedding
from agent_memory_server.settings import Settings


class _Bar:
    def __init__(self, bars: Bars, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def show(self, done: int, total: int) -> None:
        self._bars.update(self._task, completed=done, total=total)


@contextmanager
def _bar(title: str) -> Iterator[_Bar]:
    """A progress bar on stderr, where stderr is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        yield _Bar(bars, bars.add_task(title, total=None))


@click.command("rebuild-index", short_help="Build the search index again.")
@click.option("--re-embed", is_flag=True, help="Also embed every memory again, with the model of the settings.")
def rebuild_index(re_embed: bool) -> None:
    """Build the search index again from the stored memories. Nothing is lost if it is stopped: run it again.

    A server may go on meanwhile; for --re-embed with another model, stop it first.
    """
    with exit_on_refusal():
        settings = started().settings
        done = 0
        with _bar("Indexing") as bar:
            for step in rebuilding(settings):
                bar.show(step.done, step.total)
                done = step.done
        click.echo(f"Indexed {done} memories.")
        if re_embed:
            click.echo(f"Embedded {asyncio.run(_reembed(settings))} memories with {settings.embedding.model}.")


async def _reembed(settings: Settings) -> int:
    done = 0
    with _bar("Embedding") as bar:
        async for step in reembedding(settings):
            bar.show(step.done, step.total)
            done = step.done
    return done
