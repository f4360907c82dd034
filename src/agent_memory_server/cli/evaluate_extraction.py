"""`agent-memory evaluate extraction`: what a server would remember of conversations, and how much of it is right."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

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
from agent_memory_server.cli.start import started
from agent_memory_server.compose.judge import judging_model
from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.domain.support import Aim
from agent_memory_server.evaluation.conversations import Corpus
from agent_memory_server.evaluation.extraction import ExtractionRun, run_of
from agent_memory_server.evaluation.extraction_report import as_data, as_text, changes_text, earlier_runs
from agent_memory_server.evaluation.judging import by_model
from agent_memory_server.evaluation.measure import target
from agent_memory_server.evaluation.own_server import own_server
from agent_memory_server.evaluation.reading import Portion, Strategy, read_all, title
from agent_memory_server.evaluation.retrieval import Progress
from agent_memory_server.evaluation.verdicts import Verdicts, by_words

STRATEGIES = ("discrete", "summary", "preferences", "custom")
RULES = "rules"
WORDS = "words"
_AIMED = frozenset({"discrete", "preferences"})
_LATER = {"EXTRACTION_DEBOUNCE_SECONDS": "3600", "EXTRACTION_LONGEST_WAIT_SECONDS": "7200"}
"""A server that is asked what it would remember need not read by itself meanwhile."""


@click.command()
@DATA
@BASE_URL
@TOKEN
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    type=click.Choice(STRATEGIES),
    help="Repeatable. Default: all, custom only with --custom-prompt.",
)
@click.option(
    "--aim",
    "aims",
    multiple=True,
    type=click.Choice([aim.value for aim in Aim]),
    help="Of discrete and preferences; repeatable. Default: the server's own.",
)
@click.option(
    "--custom-prompt", type=click.Path(path_type=Path, dir_okay=False), help="File with the prompt of custom."
)
@click.option("--config", "configs", default="{}", help='More configuration, JSON: {"summary": {"topics": ["a"]}}.')
@click.option(
    "--model",
    "models",
    multiple=True,
    help="Read by this chat model, or by `rules`; repeatable. Not with --base-url. Default: as the settings say.",
)
@click.option("--judge", help="Chat model that judges what is supported and told. Default: words do.")
@click.option("--against", type=click.Path(path_type=Path), help="An earlier result (--json) to compare with.")
@CONVERSATIONS
@SAMPLE
@SEED
@AS_JSON
def extraction(models: tuple[str, ...], judge: str | None, against: Path | None, **options: Any) -> None:
    """Ask what would be remembered of a conversation file; print what is supported, refused, said twice and missed.

    With --base-url the turns stay in that server as messages, in a namespace of their own.
    """
    wanted = _Wanted(**{name: options.pop(name) for name in ("strategies", "aims", "custom_prompt", "configs")})
    asked = Asked(**options)
    if models and asked.base_url:
        raise click.UsageError("--model starts a server of its own; it does not go with --base-url")
    with refusals():
        corpus = asked.corpus()
        earlier = earlier_runs(against) if against else None
        strategies = wanted.strategies_of()
        with progress() as report:
            runs = [
                run for model in models or (None,) for run in _measured(asked, corpus, strategies, model, judge, report)
            ]
    if asked.as_json:
        click.echo(json.dumps(as_data(corpus.name, runs, seed=asked.seed, earlier=earlier), indent=2))
        return
    click.echo(as_text(corpus.name, runs, seed=asked.seed))
    if earlier is not None:
        click.echo(f"\nthis run minus {against}, * where 95 % of it lies on one side of zero")
        click.echo(changes_text(runs, earlier, seed=asked.seed))


class _Wanted:
    """The strategies that are asked for."""

    def __init__(
        self, strategies: Sequence[str], aims: Sequence[str], custom_prompt: Path | None, configs: str
    ) -> None:
        self._names = strategies
        self._aims = aims
        self._prompt = custom_prompt
        self._configs = configs

    def strategies_of(self) -> list[Strategy]:
        """Each as a session names it. Raises: InvalidRequest."""
        configs = _configs(self._configs)
        prompt = _text(self._prompt) if self._prompt else None
        if prompt is not None:
            configs["custom"] = {**configs.get("custom", {}), "custom_prompt": prompt}
        names = self._names or [
            name for name in STRATEGIES if name != "custom" or "custom_prompt" in configs.get(name, {})
        ]
        found: list[Strategy] = []
        for name in names:
            aims: Sequence[str | None] = self._aims if name in _AIMED and self._aims else [None]
            for aim in aims:
                config = {**configs.get(name, {}), **({"aim": aim} if aim else {})}
                found.append({"strategy": name, "config": config} if config else {"strategy": name})
        return found


def _configs(text: str) -> dict[str, dict[str, Any]]:
    try:
        given = json.loads(text)
    except ValueError as exc:
        raise InvalidRequest(f"--config is no JSON: {exc}") from exc
    if not isinstance(given, dict) or not all(isinstance(each, dict) for each in given.values()):
        raise InvalidRequest("--config must be an object of objects, by the name of a strategy")
    if unknown := sorted(given.keys() - set(STRATEGIES)):
        raise InvalidRequest(f"--config: {unknown[0]!r} is none of {', '.join(STRATEGIES)}")
    return given


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise InvalidRequest(f"{path} cannot be read: {exc.strerror}") from exc


def _measured(
    asked: Asked, corpus: Corpus, strategies: Sequence[Strategy], model: str | None, judge: str | None, report: Progress
) -> list[ExtractionRun]:
    """What one server remembers, strategy by strategy."""
    chosen = {} if model is None else {"GENERATION_MODEL": "" if model == RULES else model}
    with contextlib.ExitStack() as stack:
        url = asked.base_url or stack.enter_context(own_server({**_LATER, **chosen})).url
        found = asyncio.run(_read(url, asked.token, corpus, strategies, report))
    runs = []
    for strategy, portions in zip(strategies, found, strict=True):
        verdicts = asyncio.run(_judged(corpus, portions, judge))
        name = title(strategy) if model is None else f"{title(strategy)} by {model}"
        runs.append(run_of(corpus, name, strategy, portions, verdicts, judged_by=judge or WORDS))
    return runs


async def _read(
    url: str, token: str | None, corpus: Corpus, strategies: Sequence[Strategy], report: Progress
) -> list[list[Portion]]:
    async with target(url, token) as place:
        return [await read_all(place, corpus, strategy=each, progress=report) for each in strategies]


async def _judged(corpus: Corpus, portions: Sequence[Portion], judge: str | None) -> list[Verdicts]:
    facts = {conversation.id: corpus.facts_of(conversation.id) for conversation in corpus.conversations}
    if judge is None:
        return [by_words(portion, facts[portion.conversation]) for portion in portions]
    async with judging_model(started().settings, judge) as model:
        # A fact is looked for where it was said: a judge would otherwise be asked about all of them, each time.
        return [await by_model(model, portion, _said_in(portion, facts)) for portion in portions]


def _said_in(portion: Portion, facts: Mapping[str, Sequence[Any]]) -> list[Any]:
    said = {turn.id for turn in portion.turns}
    return [fact for fact in facts[portion.conversation] if said & set(fact.turns)]
