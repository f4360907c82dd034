"""How long others wait while one client loads 1,000 memories in batches of 100: health checks beside it, over REST."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time

from benchmarks.load import Connection, request
from benchmarks.redis_server import redis_server
from benchmarks.rest_load import BATCH, records
from benchmarks.server import server

MEMORIES = 1_000
_PAUSE_S = 0.002


async def _checked(port: int, delays: list[float], over: asyncio.Event) -> None:
    connection = await Connection.open(port)
    while not over.is_set():
        started = time.perf_counter()
        status, _ = await connection.send(request("GET", "/v1/health"))
        delays.append(time.perf_counter() - started)
        if status != 200:
            raise SystemExit(f"the health check answered {status}")
        await asyncio.sleep(_PAUSE_S)
    connection.close()


async def _loaded(port: int, first: int) -> tuple[float, list[float]]:
    """Seconds that the loading took, and those that each health check took beside it."""
    delays: list[float] = []
    over = asyncio.Event()
    connection = await Connection.open(port)
    async with asyncio.TaskGroup() as group:
        group.create_task(_checked(port, delays, over))
        started = time.perf_counter()
        for number in range(first, first + MEMORIES, BATCH):
            status, body = await connection.send(request("POST", "/v1/long-term-memory/", records(number, BATCH)))
            if status != 200:
                raise SystemExit(f"create answered {status}: {body[:300]!r}")
        took = time.perf_counter() - started
        over.set()
    connection.close()
    return took, sorted(delays)


def main() -> None:
    """Print each round's longest and usual health check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", action="store_true", help="on a Redis started by scripts/redis-stack.sh")
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(redis_server()) if options.redis else None
        settings = {"REDIS_URL": redis.url} if redis else {}
        running = stack.enter_context(server(folder=None, workers=1, **settings))
        for number in range(options.rounds):
            took, delays = asyncio.run(_loaded(running.port, number * MEMORIES))
            longest, usual = delays[-1] * 1e3, delays[len(delays) // 2] * 1e3
            print(f"1,000 memories in {took:.2f} s; health checks: longest {longest:.0f} ms, median {usual:.1f} ms")


if __name__ == "__main__":
    main()
