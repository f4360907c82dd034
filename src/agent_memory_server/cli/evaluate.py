"""`agent-memory evaluate`: how well a server finds things in conversations, and what it remembers of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from agent_memory_server.cli.evaluate_extraction import extraction
from agent_memory_server.cli.evaluating import (
    AS_JSON,
    BASE_URL,
    CONVERSATIONS,
    DATA,
    SAMPLE,
    SEED,
    TOKEN,
    Asked,
    progress,
    refusals,
)
from agent_memory_server.evaluation.comparison import differences, differences_text, earlier_answers
from agent_memory_server.evaluation.conversations import Corpus
from agent_memory_server.evaluation.measure import chart, measure, measure_own
from agent_memory_server.evaluation.report import Run, as_data, as_text
from agent_memory_server.evaluation.retrieval import Progress as Report

MODES = ("semantic", "keyword", "hybrid")


@click.group()
def evaluate() -> None:
    """Measure how well a server finds things, and what it remembers."""


def _measured(asked: Asked, corpus: Corpus, modes: Sequence[str], *, extracted: bool, report: Report) -> Run:
    if asked.base_url is None:
        return measure_own(corpus, modes, seed=asked.seed, extracted=extracted, progress=report)
    measuring = measure(
        asked.base_url, asked.token, corpus, modes, seed=asked.seed, extracted=extracted, progress=report
    )
    return asyncio.run(measuring)


@evaluate.command()
@DATA
@BASE_URL
@TOKEN
@click.option("--mode", "modes", multiple=True, type=click.Choice(MODES), help="Search mode, repeatable. Default: all.")
@CONVERSATIONS
@SAMPLE
@SEED
@click.option(
    "--extracted", is_flag=True, help="Ask after memories were read out of the turns, not of the turns alone."
)
@click.option("--chart", "chart_file", type=click.Path(path_type=Path, dir_okay=False), help="Write a chart (SVG).")
@click.option("--against", type=click.Path(path_type=Path), help="An earlier result (--json) to compare with.")
@AS_JSON
def retrieval(
    modes: tuple[str, ...], extracted: bool, chart_file: Path | None, against: Path | None, **given: Any
) -> None:
    """Store a conversation file's turns, ask its questions, and print how many of the right turns are found.

    With --base-url the turns stay in that server, in a namespace of their own that the output names.
    """
    asked = Asked(**given)
    with refusals():
        corpus = asked.corpus()
        earlier = earlier_answers(against) if against else {}
        with progress() as report:
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


evaluate.add_command(extraction)
