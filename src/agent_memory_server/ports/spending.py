"""What chat models have cost, in tokens."""

from __future__ import annotations

from typing import Protocol


class Spending(Protocol):
    """Tokens by day (UTC, `2026-11-25`), summed over all processes on the same store. Each call is atomic."""

    async def spent(self, day: str) -> int:
        """Tokens spent on that day; 0 for a day without any. Raises: Unavailable."""
        ...

    async def add(self, day: str, tokens: int) -> int:
        """Add to a day's sum (tokens ≥ 0); the sum after it. Sums of days long past may be dropped.
        Raises: Unavailable."""
        ...
