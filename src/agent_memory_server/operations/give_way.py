"""Background work that steps back while the process answers requests."""

from __future__ import annotations

import asyncio

_BUSY_S = 0.001
"""A turn of an idle event loop takes some 50 µs."""

_LONGEST_PAUSE_S = 0.025
_PAUSE_IN_TURNS = 3


async def give_way() -> None:
    """Called between small steps of long work. An idle process goes on at once; one whose event loop takes a while to
    come round is left alone for three times as long, 25 ms at most, so that the work goes on under any load."""
    loop = asyncio.get_running_loop()
    asked = loop.time()
    await asyncio.sleep(0)
    waited = loop.time() - asked
    if waited > _BUSY_S:
        await asyncio.sleep(min(waited * _PAUSE_IN_TURNS, _LONGEST_PAUSE_S))
