"""The parameters of the ranking: chosen on half of the conversations, reported on the other half.

Each parameter is moved alone, then those that helped together. A value is chosen only where the choosing half prefers
it to the present one by more than chance. The reporting half is asked twice only: as it is, and with what was chosen.

    python -m benchmarks.ranking_sweep --data locomo.json beam.json --json sweep.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.compose.application import application
from agent_memory_server.domain.filters import Filter, TextField, only
from agent_memory_server.domain.principal import LOCAL
from agent_memory_server.domain.query import DEFAULT_ALPHA, Mode
from agent_memory_server.evaluation.conversations import Corpus, Query
from agent_memory_server.evaluation.figures import DEPTHS, ranks, scores
from agent_memory_server.evaluation.files import load
from agent_memory_server.evaluation.measure import target
from agent_memory_server.evaluation.own_server import own_server
from agent_memory_server.evaluation.retrieval import ingest
from agent_memory_server.evaluation.selection import chosen
from agent_memory_server.operations.search import Question, search
from agent_memory_server.settings import Settings
from agent_memory_server.settings import load as load_settings
from agent_memory_server.telemetry.log import configure_log

Floats = NDArray[np.float64]
Values = Mapping[str, float]
"""Parameter → value, of those that are moved."""

ALPHA = "alpha"
LEVEL = 99.0
"""Of the intervals: some thirty values are tried, of which at 95 % one or two would look better by chance alone."""

_OF_HYBRID = frozenset({ALPHA, "NEIGHBOUR_VECTORS", "IN_PERIOD"})
_RESAMPLES = 5000
_DOMAIN = "agent_memory_server.domain"
_QUIET = {"ENABLE_DISCRETE_MEMORY_EXTRACTION": "false"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constant of the ranking. places: modules that hold it, none for what a request says; present: as it is."""

    name: str
    places: tuple[str, ...]
    values: tuple[float, ...]
    present: float


def _parameter(name: str, places: tuple[str, ...], *values: float) -> Parameter:
    present = getattr(import_module(f"{_DOMAIN}.{places[0]}"), "DEFAULT_ALPHA" if name == ALPHA else name)
    return Parameter(name, places, values, float(present))


PARAMETERS = (
    _parameter("SATURATION", ("fusion",), 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8),
    _parameter("NEXT_WORDS", ("turns",), 0.0, 0.5, 1.0, 1.5, 2.0),
    _parameter("FARTHER_WORDS", ("turns",), 0.0, 0.25, 0.5, 0.75, 1.0),
    _parameter("NEAREST_WORDS", ("word_rows", "turns"), 10, 20, 40, 80),
    _parameter("NEIGHBOUR_VECTORS", ("turns",), 0.0, 0.15, 0.3, 0.45, 0.6),
    _parameter("NAMED_SPEAKER", ("turns",), 1.0, 1.1, 1.25, 1.4, 1.6),
    _parameter("USER_TURN", ("turns",), 1.0, 1.15, 1.3, 1.5, 1.8),
    _parameter("IN_PERIOD", ("periods",), 0.0, 0.25, 0.5, 0.75, 1.0),
    _parameter(ALPHA, ("query",), 0.3, 0.4, 0.5, 0.6, 0.7),
)


@contextmanager
def moved(values: Values) -> Iterator[None]:
    """The ranking with other values, in this process, until the end of the block."""
    before: list[tuple[Any, str, object]] = []
    for parameter in PARAMETERS:
        for place in parameter.places if parameter.name in values and parameter.name != ALPHA else ():
            module = import_module(f"{_DOMAIN}.{place}")
            before.append((module, parameter.name, getattr(module, parameter.name)))
            setattr(module, parameter.name, type(getattr(module, parameter.name))(values[parameter.name]))
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


@dataclass(frozen=True, slots=True)
class Half:
    """A part of a corpus, stored in a namespace."""

    corpus: Corpus
    namespace: str


@dataclass(frozen=True, slots=True)
class Stored:
    """Both halves of a file."""

    choosing: Half
    reporting: Half


@asynccontextmanager
async def _stored(corpora: Sequence[Corpus]) -> AsyncIterator[tuple[Settings, list[Stored]]]:
    """All corpora in a folder, embedded by a server before; the settings that open it."""
    with tempfile.TemporaryDirectory(prefix="agent-memory-") as name:
        halves = []
        with own_server(_QUIET, folder=Path(name)) as server:
            for corpus in corpora:
                async with target(server.url, None) as place:
                    await ingest(place, corpus, lambda *_: None)
                count = len(corpus.conversations)
                first = max(count // 2, 1)
                choosing, reporting = chosen(corpus, [f"1-{first}"]), chosen(corpus, [f"{first + 1}-{count}"])
                halves.append(Stored(Half(choosing, place.namespace), Half(reporting, place.namespace)))
        settings = load_settings({"MEMORY_DATA_DIR": name, "LOG_LEVEL": "WARNING", **_QUIET}).settings
        configure_log(settings.log)
        yield settings, halves


async def _asked(settings: Settings, half: Half, mode: Mode, values: Values) -> Floats:
    """`figures.scores` of each question with evidence, shape (questions, 2 × len(DEPTHS) + 1).

    Opened anew each time: what an application keeps in memory was computed with the values it had then.
    """
    rows = []
    ended = {c.id: c.sessions[-1].turns[-1].time for c in half.corpus.conversations}
    with moved(values):
        async with application(settings) as app:
            for query in half.corpus.queries:
                if query.evidence:
                    found = await search(app, LOCAL, _question(query, half, mode, values, ended[query.conversation]))
                    turns = [turn for hit in found.hits for turn in hit.memory.extracted_from or (hit.memory.id,)]
                    rows.append(scores(ranks(turns, query.evidence)))
    return np.array(rows)


def _question(query: Query, half: Half, mode: Mode, values: Values, ended: float) -> Question:
    who = (only(TextField.NAMESPACE, half.namespace), only(TextField.USER_ID, query.conversation))
    return Question(
        text=query.question,
        mode=mode,
        filter=Filter(who),
        alpha=values.get(ALPHA, DEFAULT_ALPHA),
        limit=max(DEPTHS),
        recency=None,
        now=ended if query.asked_at is None else query.asked_at,
    )


def _aim(rows: Floats) -> Floats:
    """What is to be high: the mean of any@5 and any@10, for each question."""
    aim: Floats = (rows[:, DEPTHS.index(5)] + rows[:, DEPTHS.index(10)]) / 2
    return aim


def difference(now: Sequence[Floats], before: Sequence[Floats], *, seed: int = 0) -> tuple[float, float, float]:
    """(mean, low, high) of the difference of the aim, each file counting the same; paired and resampled within files.

    now, before: for each file the rows of the same questions in the same order.
    """
    draws = np.zeros(_RESAMPLES)
    mean = 0.0
    random = np.random.default_rng(seed)
    for rows, others in zip(now, before, strict=True):
        values = _aim(rows) - _aim(others)
        count = len(values)
        draws += random.multinomial(count, np.full(count, 1 / count), size=_RESAMPLES) @ values / count / len(now)
        mean += float(values.mean()) / len(now)
    low, high = np.percentile(draws, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return mean, float(low), float(high)


def _shares(rows: Floats) -> str:
    return f"any@5 {rows[:, DEPTHS.index(5)].mean():.3f}, any@10 {rows[:, DEPTHS.index(10)].mean():.3f}"


def _data(corpora: Sequence[Corpus], results: Sequence[Floats]) -> dict[str, dict[str, float]]:
    names = [*(f"any@{k}" for k in DEPTHS), *(f"R@{k}" for k in DEPTHS), "MRR"]
    return {
        corpus.name: dict(zip(names, rows.mean(axis=0).round(4).tolist(), strict=True)) | {"questions": len(rows)}
        for corpus, rows in zip(corpora, results, strict=True)
    }


class Sweep:
    """One run over all files."""

    def __init__(self, settings: Settings, halves: Sequence[Stored], mode: Mode) -> None:
        self._settings, self._halves, self._mode = settings, halves, mode

    async def choosing(self, values: Values) -> list[Floats]:
        """Each file's choosing half under these values."""
        return [await _asked(self._settings, each.choosing, self._mode, values) for each in self._halves]

    async def reporting(self, values: Values) -> list[Floats]:
        """Each file's reporting half under these values."""
        return [await _asked(self._settings, each.reporting, self._mode, values) for each in self._halves]

    async def choose(self, tried: list[dict[str, Any]]) -> dict[str, float]:
        """The values that the choosing half prefers by more than chance, one for each parameter."""
        present = await self.choosing({})
        print("choosing half, as it is: ", "; ".join(_shares(rows) for rows in present))
        kept: dict[str, float] = {}
        for parameter in PARAMETERS:
            if parameter.name in _OF_HYBRID and self._mode is not Mode.HYBRID:
                continue
            best = 0.0
            for value in parameter.values:
                if value == parameter.present:
                    continue
                rows = await self.choosing({parameter.name: value})
                mean, low, high = difference(rows, present)
                tried.append({"parameter": parameter.name, "value": value, "difference": mean, "interval": [low, high]})
                shares = "; ".join(_shares(each) for each in rows)
                print(
                    f"  {parameter.name:<18} {value:>5g}  {mean:+.4f} ({low:+.4f} … {high:+.4f})  {shares}", flush=True
                )
                if low > 0 and mean > best:
                    best, kept[parameter.name] = mean, value
        if len(kept) > 1:
            mean, low, high = difference(await self.choosing(kept), present)
            print(f"  together {kept}: {mean:+.4f} ({low:+.4f} … {high:+.4f})")
        return kept


async def _measure(files: Sequence[Path], mode: Mode) -> dict[str, Any]:
    corpora = [load(path) for path in files]
    async with _stored(corpora) as (settings, halves):
        sweep = Sweep(settings, halves, mode)
        tried: list[dict[str, Any]] = []
        kept = await sweep.choose(tried)
        before, after = await sweep.reporting({}), await sweep.reporting(kept)
        print("reporting half, as it is:", "; ".join(_shares(rows) for rows in before))
        if kept:
            mean, low, high = difference(after, before)
            print(f"reporting half, {kept}: ", "; ".join(_shares(rows) for rows in after))
            print(f"  difference {mean:+.4f} ({low:+.4f} … {high:+.4f})")
        return {
            "mode": mode.value,
            "conversations": {
                corpus.name: {
                    part: [conversation.id for conversation in half.corpus.conversations]
                    for part, half in (("choosing", each.choosing), ("reporting", each.reporting))
                }
                for corpus, each in zip(corpora, halves, strict=True)
            },
            "present": {parameter.name: parameter.present for parameter in PARAMETERS},
            "choosing": _data(corpora, await sweep.choosing({})),
            "tried": tried,
            "chosen": kept,
            "reporting": _data(corpora, before),
            "reporting_chosen": _data(corpora, after),
        }


def main() -> None:
    """Print every value that was tried, what was chosen, and both halves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="conversation files of two or more conversations"
    )
    parser.add_argument("--mode", choices=[Mode.HYBRID.value, Mode.KEYWORD.value], default=Mode.HYBRID.value)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = asyncio.run(_measure(options.data, Mode(options.mode)))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
