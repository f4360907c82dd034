"""`agent-memory evaluate`: how well a server finds things in conversations, and what it remembers of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import click
import httpx2
from rich.console import Console
from rich.progress import Progress, TaskID

from agent_memory_server import __version__
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.evaluation.conversations import Corpus, load
from agent_memory_server.evaluation.extraction import Remembered, extraction_data, extraction_text, read_all
from agent_memory_server.evaluation.own_server import own_server
from agent_memory_server.evaluation.report import Run, as_data, as_text
from agent_memory_server.evaluation.retrieval import Progress as Report
from agent_memory_server.evaluation.retrieval import Target, ask_all, ingest

MODES = ("semantic", "keyword", "hybrid")
STRATEGIES = ("discrete", "preferences")
_TIMEOUT_S = 120.0
_LATER = {"EXTRACTION_DEBOUNCE_SECONDS": "3600", "EXTRACTION_LONGEST_WAIT_SECONDS": "7200"}
"""A server that is asked what it would remember need not read by itself meanwhile."""


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


@contextlib.asynccontextmanager
async def _target(base_url: str, token: str | None) -> AsyncIterator[Target]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=_TIMEOUT_S, trust_env=False) as http:
        yield Target(http, namespace=f"evaluation-{uuid.uuid4().hex[:12]}")


async def _remembered(
    base_url: str, token: str | None, corpus: Corpus, strategies: tuple[str, ...], report: Report
) -> dict[str, list[Remembered]]:
    async with _target(base_url, token) as target:
        return {name: await read_all(target, corpus, strategy=name, progress=report) for name in strategies}


async def _run(base_url: str, token: str | None, corpus: Corpus, modes: tuple[str, ...], report: Report) -> Run:
    async with _target(base_url, token) as target:
        ingested = await ingest(target, corpus, report)
        answers = {mode: await ask_all(target, corpus, mode=mode, progress=report) for mode in modes}
    server = {"base_url": base_url, "namespace": target.namespace, "client_version": __version__}
    return Run(corpus.name, server, ingested, answers)


@evaluate.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Conversation file (JSON).")
@click.option("--base-url", help="Server to measure. Default: one of its own, in a temporary folder.")
@click.option("--token", envvar="MEMORY_API_TOKEN", help="Access token for --base-url.")
@click.option("--mode", "modes", multiple=True, type=click.Choice(MODES), help="Search mode, repeatable. Default: all.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def retrieval(data: Path, base_url: str | None, token: str | None, modes: tuple[str, ...], as_json: bool) -> None:
    """Store a conversation file's turns, ask its questions, and print R@5, R@10 and latency at turn level.

    With --base-url the turns stay in that server, in a namespace of their own that the output names.
    """
    try:
        corpus = load(data)
        with contextlib.ExitStack() as stack:
            url = base_url or stack.enter_context(own_server({})).url
            report = stack.enter_context(_progress())
            run = asyncio.run(_run(url, token, corpus, modes or MODES, report))
    except (MemoryServerError, httpx2.TransportError, TimeoutError) as exc:
        click.echo(f"agent-memory: {str(exc) or type(exc).__name__}", err=True)
        raise SystemExit(1) from exc
    click.echo(json.dumps(as_data(run), indent=2) if as_json else as_text(run))


@evaluate.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Conversation file (JSON).")
@click.option("--base-url", help="Server to measure. Default: one of its own, in a temporary folder.")
@click.option("--token", envvar="MEMORY_API_TOKEN", help="Access token for --base-url.")
@click.option(
    "--strategy", "strategies", multiple=True, type=click.Choice(STRATEGIES), help="Repeatable. Default: all."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def extraction(data: Path, base_url: str | None, token: str | None, strategies: tuple[str, ...], as_json: bool) -> None:
    """Ask what would be remembered of a conversation file, and print what is supported, refused, said twice and missed.

    With --base-url the turns stay in that server as messages, in a namespace of their own.
    """
    try:
        corpus = load(data)
        with contextlib.ExitStack() as stack:
            url = base_url or stack.enter_context(own_server(_LATER)).url
            report = stack.enter_context(_progress())
            found = asyncio.run(_remembered(url, token, corpus, strategies or STRATEGIES, report))
    except (MemoryServerError, httpx2.TransportError, TimeoutError) as exc:
        click.echo(f"agent-memory: {str(exc) or type(exc).__name__}", err=True)
        raise SystemExit(1) from exc
    click.echo(json.dumps(extraction_data(corpus, found), indent=2) if as_json else extraction_text(corpus, found))
