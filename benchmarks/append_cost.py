"""Appending one message to a session of 10 and of 10,000 messages."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.load import Connection, request
from benchmarks.sentences import sentence
from benchmarks.server import server

_FILL_BATCH = 500


def _append(session: str, first: int, count: int) -> bytes:
    messages = [{"role": "user", "content": sentence(n)} for n in range(first, first + count)]
    return request("POST", f"/v1/working-memory/{session}/messages", {"messages": messages, "user_id": "u"})


async def _timed(connection: Connection, session: str, length: int, count: int) -> list[float]:
    times = []
    for number in range(count):
        raw = _append(session, length + number, 1)
        started = time.perf_counter()
        status, body = await connection.send(raw)
        times.append((time.perf_counter() - started) * 1000)
        if status != 200:
            raise SystemExit(f"append answered {status}: {body[:300]!r}")
    return times


async def _measure(lengths: list[int], rounds: int, appends: int) -> dict[str, Any]:
    with server() as running:
        connection = await Connection.open(running.port)
        for length in lengths:
            for first in range(0, length, _FILL_BATCH):
                await connection.send(_append(f"s{length}", first, min(_FILL_BATCH, length - first)))
        await asyncio.sleep(1.0)  # let the embeddings that are owed be filled in
        times: dict[int, list[float]] = {length: [] for length in lengths}
        for _ in range(rounds):  # in turn, so that a slower moment of the machine meets both
            for length in lengths:
                times[length] += await _timed(connection, f"s{length}", length, appends)
        connection.close()
    p50 = {str(length): round(statistics.median(values), 3) for length, values in times.items()}
    return {"p50_ms": p50, "ratio": round(p50[str(lengths[-1])] / p50[str(lengths[0])], 3), "appends": rounds * appends}


def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", type=int, nargs=2, default=[10, 10_000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--appends", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = asyncio.run(_measure(options.lengths, options.rounds, options.appends))
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
