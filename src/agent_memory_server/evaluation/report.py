"""The result of a run as data and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agent_memory_server.evaluation.chart import bar
from agent_memory_server.evaluation.figures import Answered, Figures, Interval, Ranks, figures, percentiles_ms
from agent_memory_server.evaluation.lag import Lag
from agent_memory_server.evaluation.retrieval import Ingested

CHARTED = 5
"""The depth that the bars show: what a prompt has room for."""


@dataclass(frozen=True, slots=True)
class Storage:
    """What the data folder takes, schema and all indexes included; per_memory: divided by the turns stored."""

    total_bytes: int
    per_memory_bytes: float


@dataclass(frozen=True, slots=True)
class Run:
    """Everything a run measured. answers: by search mode. conversations: ids, in the file's order.

    server: where it was measured, and what the server says of itself; machine: the client's side; settings: those given
    to a server of its own, None for another one; extracted: whether memories were read out of the turns before;
    storage: None where the server's folder is not at hand.
    """

    corpus: str
    conversations: tuple[str, ...]
    seed: int
    server: Mapping[str, Any]
    machine: Mapping[str, Any]
    settings: Mapping[str, str | None] | None
    extracted: bool
    ingested: Ingested
    lag: Lag
    storage: Storage | None
    answers: Mapping[str, Sequence[Answered]]


@dataclass(frozen=True, slots=True)
class ByCategory:
    """The figures of all questions, and of those of each category."""

    all: Figures
    categories: Mapping[str, Figures]


def turn_figures(answers: Sequence[Answered], *, seed: int) -> ByCategory:
    """Turn level: which of the evidence turns were found."""
    return _by_category([(answer.category, answer.turns) for answer in answers], seed)


def session_figures(answers: Sequence[Answered], *, seed: int) -> ByCategory:
    """Session level: which of the sessions that hold evidence were found, each at the place of its best turn."""
    return _by_category([(answer.category, answer.sessions) for answer in answers], seed)


def _by_category(results: Sequence[tuple[str, Ranks]], seed: int) -> ByCategory:
    names = sorted({category for category, result in results if result.evidence})
    return ByCategory(
        figures([result for _, result in results], seed=seed),
        {name: figures([result for category, result in results if category == name], seed=seed) for name in names},
    )


def as_data(run: Run) -> dict[str, Any]:
    """The run as JSON-ready data. Of each question only where its evidence was found, never its text."""
    data = {
        name: getattr(run, name)
        for name in ("corpus", "conversations", "seed", "server", "machine", "settings", "extracted")
    }
    data["ingest"] = asdict(run.ingested)
    data["lag"] = asdict(run.lag)
    data["storage"] = None if run.storage is None else asdict(run.storage)
    data["modes"] = {mode: _mode_data(answers, run.seed) for mode, answers in run.answers.items()}
    return data


def _mode_data(answers: Sequence[Answered], seed: int) -> dict[str, Any]:
    questions = [
        {
            "id": answer.id,
            "category": answer.category,
            "turns": asdict(answer.turns),
            "sessions": asdict(answer.sessions),
            "ms": round(answer.seconds * 1000, 3),
        }
        for answer in answers
    ]
    return {
        **asdict(turn_figures(answers, seed=seed)),
        "sessions": asdict(session_figures(answers, seed=seed)),
        "latency_ms": percentiles_ms([answer.seconds for answer in answers]),
        "questions": questions,
    }


def as_text(run: Run) -> str:
    """The run as tables and bars."""
    parts = [_header(run)]
    for mode, answers in run.answers.items():
        latency = percentiles_ms([answer.seconds for answer in answers])
        turns = turn_figures(answers, seed=run.seed)
        parts += [
            "",
            f"{mode}: latency p50 {latency['p50']:.1f} ms, p95 {latency['p95']:.1f} ms, p99 {latency['p99']:.1f} ms",
            *_table("turns", turns),
            *_table("sessions", session_figures(answers, seed=run.seed)),
            f"  any@{CHARTED} of turns, with the 95 % interval",
            *(_bar_line(name, value) for name, value in [*turns.categories.items(), ("all", turns.all)]),
        ]
    return "\n".join(parts)


def _header(run: Run) -> str:
    ingested, lag = run.ingested, run.lag
    stored = (
        f"{run.corpus}: {len(run.conversations)} conversations, {ingested.turns} turns stored in"
        f" {ingested.accepted_s:.1f} s, all searchable after {ingested.searchable_s:.1f} s"
    )
    readable = (
        f"write to readable: p50 {lag.readable_ms['p50']:.1f} ms, by meaning {lag.by_meaning_ms['p50']:.1f} ms;"
        f" found by the first search: {lag.at_once} of {lag.probes}"
    )
    lines = [stored, readable]
    if run.storage is not None:
        lines.append(f"{run.storage.per_memory_bytes:.0f} bytes for a memory")
    return "\n".join(lines)


def _table(what: str, value: ByCategory) -> list[str]:
    titles = ["any@1", "any@3", "any@5", "any@10", "any@20", "R@5", "R@10", "R@20", "MRR"]
    heading = f"  {what:<24} {'asked':>5}  " + " ".join(f"{title:>6}" for title in titles)
    lines = [heading, *(_line(name, each) for name, each in value.categories.items()), _line("all", value.all)]
    if value.all.interval is not None:
        found = value.all.interval
        ends = [
            ("any@5", found.any_at[5]),
            ("any@10", found.any_at[10]),
            ("R@10", found.recall_at[10]),
            ("MRR", found.mrr),
        ]
        lines.append("  95 % " + ", ".join(f"{name} {_ends(each)}" for name, each in ends))
    return lines


def _line(name: str, value: Figures) -> str:
    shares = [*value.any_at.values(), *(value.recall_at[k] for k in (5, 10, 20)), value.mrr]
    return f"  {name:<24} {value.questions:>5}  " + " ".join(f"{share:>6.3f}" for share in shares)


def _ends(interval: Interval) -> str:
    return f"{interval[0]:.3f}–{interval[1]:.3f}"


def _bar_line(name: str, value: Figures) -> str:
    share = value.any_at[CHARTED]
    sure = "" if value.interval is None else f"  {_ends(value.interval.any_at[CHARTED])}"
    return f"  {name:<24} {bar(share)} {share:.3f}{sure}"
