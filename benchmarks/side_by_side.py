"""Two versions of the server side by side, in turn and under one load: processor time per memory and per request.

    git worktree add /tmp/before v0.1.0
    python -m benchmarks.side_by_side --before /tmp/before --scenarios wm_get_20 search_user --clients 16

Whatever else the machine does slows both alike, so the ratio holds where single figures do not. Both run in the present
environment: versions that need other packages cannot be compared.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.load import Connection, request, run
from benchmarks.rest_load import BATCH, SCENARIOS, records
from benchmarks.server import Running, server

_CHUNK = 1000
"""Memories that one version stores before it is the other one's turn."""

_SOURCES = ("src", "clients/python/src", "models/minilm/src")

REQUESTS: dict[str, tuple[Callable[[int], bytes], int]] = {
    "health": (lambda _: request("GET", "/v1/health"), 300),
    **{name: (make, number) for name, make, number in SCENARIOS},
}


def _threads_cpu_s(running: Running) -> float:
    """Processor seconds of the server's threads, to the nanosecond: its own figure comes in hundredths. Linux only."""
    tasks = Path(f"/proc/{running.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


async def _store(running: Running, first: int) -> tuple[float, float]:
    """Store a chunk; processor seconds and seconds."""
    connection = await Connection.open(running.port)
    before, started = _threads_cpu_s(running), time.perf_counter()
    for number in range(first, first + _CHUNK, BATCH):
        status, body = await connection.send(request("POST", "/v1/long-term-memory/", records(number, BATCH)))
        if status != 200:
            raise SystemExit(f"create answered {status}: {body[:300]!r}")
    passed, used = time.perf_counter() - started, _threads_cpu_s(running) - before
    connection.close()
    return used, passed


def _turns(versions: Sequence[Running], turn: int) -> list[tuple[int, Running]]:
    """Whoever was first comes last the next time."""
    pair = list(enumerate(versions))
    return pair[::-1] if turn % 2 else pair


async def _ingest(versions: Sequence[Running], count: int) -> dict[str, Any]:
    used, passed = [0.0, 0.0], [0.0, 0.0]
    for turn, first in enumerate(range(0, count, _CHUNK)):
        for which, running in _turns(versions, turn):
            cpu_s, seconds = await _store(running, first)
            used[which] += cpu_s
            passed[which] += seconds
    return {
        "what": "ingest, per memory",
        "cpu_ms": [round(one * 1000 / count, 4) for one in used],
        "ratio": round(used[1] / used[0], 3),
        "per_second": [round(count / one, 1) for one in passed],
    }


async def _scenario(versions: Sequence[Running], name: str, clients: int, rounds: int) -> dict[str, Any]:
    make, requests = REQUESTS[name]
    cpu: list[list[float]] = [[], []]
    rates: list[list[float]] = [[], []]
    for turn in range(rounds + 1):  # the first one warms up
        for which, running in _turns(versions, turn):
            before = _threads_cpu_s(running)
            timing = await run(running.port, name, make, clients=clients, requests=requests, cpu=running.cpu_s)
            if timing.errors:
                raise SystemExit(f"{name}: {timing.errors} answers were no success")
            if turn:
                cpu[which].append((_threads_cpu_s(running) - before) * 1000 / requests)
                rates[which].append(timing.per_second)
    medians = [statistics.median(one) for one in cpu]
    return {
        "what": f"{name}, {clients} clients",
        "cpu_ms": [round(one, 4) for one in medians],
        "ratio": round(medians[1] / medians[0], 3),
        "per_second": [round(statistics.median(one), 1) for one in rates],
    }


async def _measure(versions: Sequence[Running], options: argparse.Namespace) -> list[dict[str, Any]]:
    results = [await _ingest(versions, options.memories)]
    print(json.dumps(results[0]), flush=True)
    await asyncio.sleep(options.wait_s)
    for name in options.scenarios:
        results.append(await _scenario(versions, name, options.clients, options.rounds))
        print(json.dumps(results[-1]), flush=True)
    return results


def _path(folder: Path) -> str:
    return ":".join(str(folder.absolute() / part) for part in _SOURCES)


def main() -> None:
    """Print one line of JSON for each comparison: [before, after]."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="a checkout of the other version")
    parser.add_argument("--after", type=Path, default=Path(__file__).parent.parent, help="default: this one")
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument(
        "--scenarios", nargs="*", choices=sorted(REQUESTS), default=["health", "wm_put_20", "wm_get_20"]
    )
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument(
        "--wait-s", type=float, default=0.0, help="before the scenarios; 15: memories are being compared"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        versions = [stack.enter_context(server(PYTHONPATH=_path(folder))) for folder in (options.before, options.after)]
        results = asyncio.run(_measure(versions, options))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
