"""The result of a run as data and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agent_memory_server.evaluation.figures import Answered, Figures, figures, percentiles_ms
from agent_memory_server.evaluation.retrieval import Ingested


@dataclass(frozen=True, slots=True)
class Run:
    """Everything a run measured. answers: by search mode. server: what the server says of itself."""

    corpus: str
    server: Mapping[str, Any]
    ingested: Ingested
    answers: Mapping[str, Sequence[Answered]]


def _by_category(answers: Sequence[Answered]) -> dict[str, Figures]:
    categories = sorted({answer.category for answer in answers if answer.evidence})
    return {name: figures([a for a in answers if a.category == name]) for name in categories}


def as_data(run: Run) -> dict[str, Any]:
    """The run as JSON-ready data."""
    modes = {
        mode: {
            "all": asdict(figures(answers)),
            "categories": {name: asdict(value) for name, value in _by_category(answers).items()},
            "latency_ms": percentiles_ms(answers),
        }
        for mode, answers in run.answers.items()
    }
    return {"corpus": run.corpus, "server": dict(run.server), "ingest": asdict(run.ingested), "modes": modes}


def _line(name: str, value: Figures) -> str:
    return (
        f"  {name:<24} {value.questions:>5}  {value.any_at[5]:>6.3f} {value.any_at[10]:>6.3f}"
        f"  {value.recall_at[5]:>6.3f} {value.recall_at[10]:>6.3f}  {value.mrr:>6.3f}"
    )


def as_text(run: Run) -> str:
    """The run as a table: turn level, any@k is R@k as "one of the evidence turns among the first k"."""
    ingested = run.ingested
    stored = f"{ingested.turns} turns stored in {ingested.accepted_s:.1f} s"
    lines = [f"{run.corpus}: {stored}, all searchable after {ingested.searchable_s:.1f} s"]
    for mode, answers in run.answers.items():
        latency = percentiles_ms(answers)
        lines += [
            "",
            f"{mode}: latency p50 {latency['p50']:.1f} ms, p95 {latency['p95']:.1f} ms, p99 {latency['p99']:.1f} ms",
            f"  {'category':<24} {'asked':>5}  {'any@5':>6} {'any@10':>6}  {'R@5':>6} {'R@10':>6}  {'MRR':>6}",
            *(_line(name, value) for name, value in _by_category(answers).items()),
            _line("all", figures(answers)),
        ]
    return "\n".join(lines)
