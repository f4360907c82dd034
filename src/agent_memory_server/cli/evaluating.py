"""What the commands of `agent-memory evaluate` have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import httpx2
from rich.console import Console
from rich.progress import Progress, TaskID

from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.evaluation.conversations import Corpus
from agent_memory_server.evaluation.files import load
from agent_memory_server.evaluation.retrieval import Progress as Report
from agent_memory_server.evaluation.selection import chosen

DATA = click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="Conversation file (JSON), or a folder of them."
)
BASE_URL = click.option("--base-url", help="Server to measure. Default: one of its own, in a temporary folder.")
TOKEN = click.option("--token", envvar="MEMORY_API_TOKEN", help="Access token for --base-url.")
CONVERSATIONS = click.option(
    "--conversations", default="", help="Some only: ids or places from 1, with commas (1-2,5). Default: all."
)
SAMPLE = click.option("--sample", type=click.IntRange(min=1), help="So many of the questions, drawn by --seed.")
SEED = click.option("--seed", type=int, default=0, show_default=True, help="Of the sample and of the intervals.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@contextlib.contextmanager
def progress() -> Iterator[Report]:
    """A progress bar per step, on stderr."""
    with Progress(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done)

        yield report


@dataclass(frozen=True, slots=True)
class Asked:
    """What both commands are asked."""

    data: Path
    base_url: str | None
    token: str | None
    conversations: str
    sample: int | None
    seed: int
    as_json: bool

    def corpus(self) -> Corpus:
        """The chosen part of the file."""
        names = [name.strip() for name in self.conversations.split(",") if name.strip()]
        return chosen(load(self.data), names, sample=self.sample, seed=self.seed)


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """What went wrong, in one line, with exit status 1."""
    try:
        yield
    except (MemoryServerError, httpx2.TransportError, OSError, TimeoutError) as exc:
        click.echo(f"agent-memory: {str(exc) or type(exc).__name__}", err=True)
        raise SystemExit(1) from exc
