"""Time, as an argument: tests own the clock."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Gives the present as Unix seconds (UTC, fraction included)."""

    def __call__(self) -> float:
        """The present."""
        ...
