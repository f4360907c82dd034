"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """ok; warning: it works, and something is worth knowing; failed: it does not work."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One checked thing. `detail` is a sentence for the operator; where something is wrong it names the remedy."""

    name: str
    state: State
    detail: str
