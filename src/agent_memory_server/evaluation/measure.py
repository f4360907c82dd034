"""A whole measurement of retrieval: store, ask, probe, and put together what was found."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2

from agent_memory_server.evaluation.chart import Bar, svg
from agent_memory_server.evaluation.conversations import Corpus
from agent_memory_server.evaluation.lag import measure_lag
from agent_memory_server.evaluation.own_server import own_server
from agent_memory_server.evaluation.report import CHARTED, Run, Storage, turn_figures
from agent_memory_server.evaluation.retrieval import Progress, Target, ask_all, ingest, until_extracted
from agent_memory_server.evaluation.surroundings import given_settings, machine, server_version, size_of

_TIMEOUT_S = 120.0
_TURNS_ALONE = {"ENABLE_DISCRETE_MEMORY_EXTRACTION": "false"}
"""Records that are read out of the turns meanwhile would make the figures depend on how long the questions take."""

_READ_AT_ONCE = {"EXTRACTION_DEBOUNCE_SECONDS": "1"}


@asynccontextmanager
async def target(base_url: str, token: str | None) -> AsyncIterator[Target]:
    """A client on a server, and a namespace that nobody used before."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=_TIMEOUT_S, trust_env=False) as http:
        yield Target(http, namespace=f"evaluation-{uuid.uuid4().hex[:12]}")


async def measure(
    base_url: str,
    token: str | None,
    corpus: Corpus,
    modes: Sequence[str],
    *,
    seed: int,
    extracted: bool,
    progress: Progress,
) -> Run:
    """Measure a running server. extracted: wait until it has read its memories out of every session.

    Raises: Unavailable, httpx2.TransportError, TimeoutError.
    """
    async with target(base_url, token) as place:
        server = {"base_url": base_url, "namespace": place.namespace, "version": await server_version(place.http)}
        ingested = await ingest(place, corpus, progress)
        if extracted:
            await until_extracted(place, corpus, progress)
        answers = {mode: await ask_all(place, corpus, mode=mode, progress=progress) for mode in modes}
        lag = await measure_lag(place)
    return Run(
        corpus=corpus.name,
        conversations=tuple(conversation.id for conversation in corpus.conversations),
        seed=seed,
        server=server,
        machine=machine(),
        extracted=extracted,
        settings=None,
        ingested=ingested,
        lag=lag,
        storage=None,
        answers=answers,
    )


def measure_own(corpus: Corpus, modes: Sequence[str], *, seed: int, extracted: bool, progress: Progress) -> Run:
    """Measure a server of one's own, in a temporary folder, with the settings of this process.

    extracted: with what it reads out of the turns beside them; else it holds the turns alone.

    Raises: StartRefused (SettingsError among them), Unavailable, httpx2.TransportError, TimeoutError.
    """
    settings = given_settings()
    with tempfile.TemporaryDirectory(prefix="agent-memory-") as name:
        folder = Path(name)
        with own_server(_READ_AT_ONCE if extracted else _TURNS_ALONE, folder=folder) as server:
            measuring = measure(server.url, None, corpus, modes, seed=seed, extracted=extracted, progress=progress)
            run = asyncio.run(measuring)
        # The server has ended, so the whole database lies in its file.
        total = size_of(folder)
    stored = Storage(total, total / max(run.ingested.turns + run.lag.probes, 1))
    return replace(run, settings=settings, storage=stored)


def chart(run: Run) -> str:
    """An SVG document: any@k of turns, by category and mode."""
    figures = {mode: turn_figures(answers, seed=run.seed) for mode, answers in run.answers.items()}
    names = [*next(iter(figures.values())).categories, "all"]
    series: Mapping[str, list[Bar]] = {
        mode: [
            Bar(value.any_at[CHARTED], None if value.interval is None else value.interval.any_at[CHARTED])
            for value in (*found.categories.values(), found.all)
        ]
        for mode, found in figures.items()
    }
    return svg(f"{run.corpus}: any@{CHARTED}, turns", names, series)
