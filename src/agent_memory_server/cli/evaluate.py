"""`agent-memory evaluate`: how well a server finds things in conversations, and what it remembers of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import httpx2
from rich.console import Console
from rich.progress import Progress, TaskID

from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.domain.support import Aim
from agent_memory_server.evaluation.comparison import differences, differences_text, earlier_answers
from agent_memory_server.evaluation.conversations import Corpus
from agent_memory_server.evaluation.extraction import (
    Remembered,
    Strategy,
    extraction_data,
    extraction_text,
    read_all,
    title,
)
from agent_memory_server.evaluation.files import load
from agent_memory_server.evaluation.measure import chart, measure, measure_own, target
from agent_memory_server.evaluation.own_server import own_server
from agent_memory_server.evaluation.report import Run, as_data, as_text
from agent_memory_server.evaluation.retrieval import Progress as Report
from agent_memory_server.evaluation.selection import chosen

MODES = ("semantic", "keyword", "hybrid")
STRATEGIES = ("discrete", "preferences")
_LATER = {"EXTRACTION_DEBOUNCE_SECONDS": "3600", "EXTRACTION_LONGEST_WAIT_SECONDS": "7200"}
"""A server that is asked what it would remember need not read by itself meanwhile."""

_DATA = click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="Conversation file (JSON), or a folder of them."
)
_BASE_URL = click.option("--base-url", help="Server to measure. Default: one of its own, in a temporary folder.")
_TOKEN = click.option("--token", envvar="MEMORY_API_TOKEN", help="Access token for --base-url.")
_CONVERSATIONS = click.option(
    "--conversations", default="", help="Some only: ids or places from 1, with commas (1-2,5). Default: all."
)
_SAMPLE = click.option("--sample", type=click.IntRange(min=1), help="So many of the questions, drawn by --seed.")
_SEED = click.option("--seed", type=int, default=0, show_default=True, help="Of the sample and of the intervals.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def evaluate() -> None:
    """Measure how well a server finds things, and what it remembers."""


@contextlib.contextmanager
def _progress() -> Iterator[Report]:
    """A progress bar per step, on stderr."""
    with Progress(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done)

        yield report


async def _remembered(
    base_url: str, token: str | None, corpus: Corpus, strategies: Sequence[Strategy], report: Report
) -> dict[str, list[Remembered]]:
    async with target(base_url, token) as place:
        return {title(each): await read_all(place, corpus, strategy=each, progress=report) for each in strategies}


@dataclass(frozen=True, slots=True)
class _Asked:
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
def _refusals() -> Iterator[None]:
    """What went wrong, in one line, with exit status 1."""
    try:
        yield
    except (MemoryServerError, httpx2.TransportError, OSError, TimeoutError) as exc:
        click.echo(f"agent-memory: {str(exc) or type(exc).__name__}", err=True)
        raise SystemExit(1) from exc


def _measured(asked: _Asked, corpus: Corpus, modes: Sequence[str], *, extracted: bool, report: Report) -> Run:
    if asked.base_url is None:
        return measure_own(corpus, modes, seed=asked.seed, extracted=extracted, progress=report)
    measuring = measure(
        asked.base_url, asked.token, corpus, modes, seed=asked.seed, extracted=extracted, progress=report
    )
    return asyncio.run(measuring)


@evaluate.command()
@_DATA
@_BASE_URL
@_TOKEN
@click.option("--mode", "modes", multiple=True, type=click.Choice(MODES), help="Search mode, repeatable. Default: all.")
@_CONVERSATIONS
@_SAMPLE
@_SEED
@click.option(
    "--extracted", is_flag=True, help="Ask after memories were read out of the turns, not of the turns alone."
)
@click.option("--chart", "chart_file", type=click.Path(path_type=Path, dir_okay=False), help="Write a chart (SVG).")
@click.option("--against", type=click.Path(path_type=Path), help="An earlier result (--json) to compare with.")
@_JSON
def retrieval(
    modes: tuple[str, ...], extracted: bool, chart_file: Path | None, against: Path | None, **given: Any
) -> None:
    """Store a conversation file's turns, ask its questions, and print how many of the right turns are found.

    With --base-url the turns stay in that server, in a namespace of their own that the output names.
    """
    asked = _Asked(**given)
    with _refusals():
        corpus = asked.corpus()
        earlier = earlier_answers(against) if against else {}
        with _progress() as report:
            run = _measured(asked, corpus, modes or MODES, extracted=extracted, report=report)
        if chart_file:
            chart_file.write_text(chart(run), encoding="utf-8")
    compared = {
        mode: differences(answers, earlier[mode], seed=asked.seed)
        for mode, answers in run.answers.items()
        if mode in earlier
    }
    if asked.as_json:
        found = {mode: {name: asdict(each) for name, each in value.items()} for mode, value in compared.items()}
        click.echo(json.dumps(as_data(run) | ({"against": found} if against else {}), indent=2))
        return
    click.echo(as_text(run))
    if against:
        click.echo(f"\nthis run minus {against}, turns, * where 95 % of it lies on one side of zero")
        for mode, value in compared.items():
            click.echo(differences_text(mode, value))


@evaluate.command()
@_DATA
@_BASE_URL
@_TOKEN
@click.option(
    "--strategy", "strategies", multiple=True, type=click.Choice(STRATEGIES), help="Repeatable. Default: all."
)
@click.option(
    "--aim",
    "aims",
    multiple=True,
    type=click.Choice([aim.value for aim in Aim]),
    help="Repeatable. Default: the server's own.",
)
@_CONVERSATIONS
@_SAMPLE
@_SEED
@_JSON
def extraction(strategies: tuple[str, ...], aims: tuple[str, ...], **given: Any) -> None:
    """Ask what would be remembered of a conversation file, and print what is supported, refused, said twice and missed.

    With --base-url the turns stay in that server as messages, in a namespace of their own.
    """
    asked = _Asked(**given)
    with _refusals(), contextlib.ExitStack() as stack:
        corpus = asked.corpus()
        url = asked.base_url or stack.enter_context(own_server(_LATER)).url
        report = stack.enter_context(_progress())
        wanted = [
            {"strategy": name, "config": {"aim": aim}} if aim else {"strategy": name}
            for name in strategies or STRATEGIES
            for aim in aims or [None]
        ]
        found = asyncio.run(_remembered(url, asked.token, corpus, wanted, report))
    click.echo(
        json.dumps(extraction_data(corpus, found), indent=2) if asked.as_json else extraction_text(corpus, found)
    )
