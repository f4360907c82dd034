"""What every store of spent tokens promises."""

from __future__ import annotations

import asyncio

from agent_memory_server.ports.spending import Spending


async def test_a_day_begins_at_nothing_and_sums_up(spending: Spending) -> None:
    assert await spending.spent("2026-11-25") == 0
    assert await spending.add("2026-11-25", 5) == 5
    assert await spending.add("2026-11-25", 7) == 12
    assert await spending.spent("2026-11-25") == 12
    assert await spending.spent("2026-11-26") == 0


async def test_nothing_is_lost_between_concurrent_additions(spending: Spending) -> None:
    await asyncio.gather(*(spending.add("2026-11-25", 1) for _ in range(50)))
    assert await spending.spent("2026-11-25") == 50
