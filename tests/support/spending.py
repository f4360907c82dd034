"""A sum of tokens that lives as long as the test."""

from __future__ import annotations

from collections import Counter


class DictSpending:
    """`Spending` in memory."""

    def __init__(self) -> None:
        self.days: Counter[str] = Counter()

    async def spent(self, day: str) -> int:
        return self.days[day]

    async def add(self, day: str, tokens: int) -> int:
        self.days[day] += tokens
        return self.days[day]
