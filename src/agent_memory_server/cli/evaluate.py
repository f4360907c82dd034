"""`agent-memory evaluate`: how well, and how fast, a server finds things in conversations."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import click
import httpx2
from rich.console import Console
from rich.progress import Progress, TaskID

from agent_memory_server import __version__
from agent_memory_server.domain.errors import MemoryServerError
from agent_memory_server.evaluation.conversations import Corpus, load
from agent_memory_server.evaluation.own_server import own_server
from agent_memory_server.evaluation.report import Run, as_data, as_text
from agent_memory_server.evaluation.retrieval import Progress as Report
from agent_memory_server.evaluation.retrieval import Target, ask_all, ingest

MODES = ("semantic", "keyword", "hybrid")
_TIMEOUT_S = 120.0


@click.group()
def evaluate() -> None:
    """Measure how well a server finds things."""


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


async def _run(base_url: str, token: str | None, corpus: Corpus, modes: tuple[str, ...], report: Report) -> Run:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=_TIMEOUT_S, trust_env=False) as http:
        target = Target(http, namespace=f"evaluation-{uuid.uuid4().hex[:12]}")
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
