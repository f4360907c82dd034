"""Waiting for what other tasks bring about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

LONGEST_S = 30.0


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when the condition holds. Raises: TimeoutError after half a minute."""
    async with asyncio.timeout(LONGEST_S):
        while not await condition():  # noqa: ASYNC110 - the condition is asked of a store, which rings no bell
            await asyncio.sleep(0.01)
