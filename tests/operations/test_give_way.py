"""Long work in the background steps back while the event loop is busy, and never stands still."""

from __future__ import annotations

import asyncio
import time

from agent_memory_server.operations.give_way import give_way

STEPS = 20


async def turns_beside(step_s: float) -> int:
    """Turns that others get while the work makes STEPS steps; each of their turns takes `step_s`."""
    turns = 0
    done = False

    async def others() -> None:
        nonlocal turns
        while not done:
            turns += 1
            time.sleep(step_s)  # noqa: ASYNC251 - work of the event loop itself
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    for _ in range(STEPS):
        await give_way()
    done = True
    await beside
    return turns


async def test_others_get_more_than_a_turn_for_each_step_while_they_are_busy() -> None:
    assert await turns_beside(0.004) >= 2 * STEPS


async def test_work_goes_on_beside_turns_that_take_long() -> None:
    assert await turns_beside(0.04) >= STEPS
