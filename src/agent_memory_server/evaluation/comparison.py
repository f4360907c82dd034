"""Two runs over the same questions: by how much the figures differ, and whether that is more than chance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent_memory_server.domain.errors import InvalidRequest
from agent_memory_server.evaluation.figures import DEPTHS, Answered, Interval, Ranks, bootstrap, scores

_TITLES = [*(f"any@{k}" for k in DEPTHS), *(f"R@{k}" for k in DEPTHS), "MRR"]
_SHOWN = ("any@5", "any@10", "R@5", "R@10", "MRR")


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of this run minus that of the other, over the questions that both have, and its 95 % interval."""

    mean: float
    interval: Interval


Differences = Mapping[str, Difference]
"""By the figure's name: any@1 … any@20, R@1 … R@20, MRR; turn level."""


def earlier_answers(path: Path) -> dict[str, dict[str, Ranks]]:
    """Turn-level results of the run in a JSON file, by mode and question. Raises: InvalidRequest."""
    try:
        modes = json.loads(path.read_text(encoding="utf-8"))["modes"]
        return {
            mode: {str(each["id"]): _ranks(each["turns"]) for each in values["questions"]}
            for mode, values in modes.items()
        }
    except OSError as exc:
        raise InvalidRequest(f"{path} cannot be read: {exc.strerror}") from exc
    except (KeyError, ValueError, TypeError, AttributeError) as exc:
        raise InvalidRequest(f"{path} is no result of this command (--json): {type(exc).__name__}: {exc}") from exc


def _ranks(raw: dict[str, Any]) -> Ranks:
    return Ranks(tuple(int(place) for place in raw["found"]), int(raw["evidence"]))


def differences(answers: Sequence[Answered], earlier: Mapping[str, Ranks], *, seed: int = 0) -> Differences:
    """Paired differences over the questions with evidence that both runs asked; nothing for fewer than two."""
    pairs = [(answer.turns, earlier[answer.id]) for answer in answers if answer.id in earlier]
    counted = [np.subtract(scores(now), scores(before)) for now, before in pairs if now.evidence and before.evidence]
    if len(counted) < 2:
        return {}
    values = np.array(counted)
    low, high = bootstrap(values, seed).tolist()
    means = values.mean(axis=0).tolist()
    return {title: Difference(means[place], (low[place], high[place])) for place, title in enumerate(_TITLES)}


def differences_text(mode: str, found: Differences) -> str:
    """One line. A figure is marked with * where the interval excludes zero."""
    if not found:
        return f"{mode}: fewer than two questions in common"
    shown = []
    for title in _SHOWN:
        value = found[title]
        low, high = value.interval
        mark = "*" if low > 0 or high < 0 else ""
        shown.append(f"{title} {value.mean:+.3f}{mark} ({low:+.3f} … {high:+.3f})")
    return f"{mode}: " + ", ".join(shown)
