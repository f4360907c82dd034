"""Results of extraction, for people and as data; and results read again, to be compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.evaluation.extraction import Change, ExtractionRun, SessionFigures, Share, changes, shares
from agent_memory_server.evaluation.figures import Interval

Earlier = Mapping[str, Sequence[SessionFigures]]
"""By the run's title."""

_COUNTS = ("claims", "supported", "duplicates", "refused", "expected", "missed")


def as_data(corpus: str, runs: Sequence[ExtractionRun], *, seed: int, earlier: Earlier | None = None) -> dict[str, Any]:
    """The result as JSON-ready data."""
    return {"corpus": corpus, "seed": seed, "runs": [_run(run, seed, earlier) for run in runs]}


def _run(run: ExtractionRun, seed: int, earlier: Earlier | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "title": run.title,
        "strategy": dict(run.strategy),
        "read_by": list(run.read_by),
        "judged_by": run.judged_by,
        "turns": run.turns,
        **{name: run.count(name) for name in _COUNTS},
        "unsupported": run.count("claims") - run.count("supported"),
        "weak": run.weak,
        "reasons": dict(run.reasons),
        "expected_are": run.expected,
        "shares": {name: asdict(share) for name, share in shares(run.sessions, seed=seed).items()},
        "sessions": [asdict(session) for session in run.sessions],
    }
    if earlier is not None and run.title in earlier:
        compared = changes(run.sessions, earlier[run.title], seed=seed)
        found["against"] = {name: asdict(change) for name, change in compared.items()}
    return found


def earlier_runs(path: Path) -> Earlier:
    """The runs of a result in a JSON file. Raises: InvalidRequest."""
    try:
        runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
        return {run["title"]: [SessionFigures(**session) for session in run["sessions"]] for run in runs}
    except OSError as exc:
        raise InvalidRequest(f"{path} cannot be read: {exc.strerror}") from exc
    except (KeyError, ValueError, TypeError, AttributeError) as exc:
        raise InvalidRequest(f"{path} is no result of this command (--json): {type(exc).__name__}: {exc}") from exc


def as_text(corpus: str, runs: Sequence[ExtractionRun], *, seed: int) -> str:
    """The result as lines."""
    return "\n".join([f"{corpus}:", *(line for run in runs for line in _lines(run, seed))])


def _lines(run: ExtractionRun, seed: int) -> list[str]:
    found = shares(run.sessions, seed=seed)
    claims, supported = run.count("claims"), run.count("supported")
    what = "sentences of summaries" if run.strategy["strategy"] == "summary" else "memories"
    weak = f", {run.weak} of them weakly supported" if run.weak else ""
    lines = [
        f"{run.title}: {claims} {what} out of {run.turns} turns by {', '.join(run.read_by) or 'nobody'}{weak}",
        f"  supported    {_share(found.get('supported'))}, judged by {run.judged_by}",
        f"  unsupported  {claims - supported}",
        f"  said twice   {_share(found.get('duplicates'))}",
        f"  refused      {run.count('refused')}",
        *(f"    {count:>5}  {reason}" for reason, count in sorted(run.reasons.items())),
    ]
    if run.expected is None:
        lines.append("  missed       not told: the file has no facts")
    else:
        of = "facts" if run.expected == "facts" else "turns that answer a question"
        counted = f"{run.count('missed')} of {run.count('expected')} {of}"
        lines.append(f"  missed       {_share(found.get('missed'))}, {counted}")
    return lines


def _share(share: Share | None) -> str:
    return "none" if share is None else f"{share.value:.0%}{_ends(share.interval)}"


def _ends(interval: Interval | None) -> str:
    return "" if interval is None else f" ({interval[0]:.0%} … {interval[1]:.0%})"


def changes_text(runs: Sequence[ExtractionRun], earlier: Earlier, *, seed: int) -> str:
    """One line for each run; a figure is marked with * where the interval excludes zero."""
    lines = []
    for run in runs:
        if run.title not in earlier:
            lines.append(f"{run.title}: not in the earlier result")
            continue
        compared = changes(run.sessions, earlier[run.title], seed=seed)
        told = ", ".join(f"{name} {_change(change)}" for name, change in compared.items())
        lines.append(f"{run.title}: {told or 'no sessions in common'}")
    return "\n".join(lines)


def _change(change: Change) -> str:
    if change.interval is None:
        return f"{change.value:+.3f}"
    low, high = change.interval
    return f"{change.value:+.3f}{'*' if low > 0 or high < 0 else ''} ({low:+.3f} … {high:+.3f})"
