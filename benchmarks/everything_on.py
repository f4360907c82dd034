"""One user's searches in a large store with everything on: the local model, words, neighbours, speakers, recency.

    python -m benchmarks.everything_on --memories 100000 --users 100

Every memory is a message of a session, so that its neighbours count. Each question is new, so the model runs for each.
The sentences repeat (`--distinct`): embedding each of them once keeps the loading short.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.load import Connection, request
from benchmarks.sentences import question, sentence
from benchmarks.server import Running, server

SEARCH = "/v1/long-term-memory/search"
NAMESPACE = "everything"
SESSION_MESSAGES = 100


def _append(number: int, users: int, distinct: int) -> bytes:
    """A whole session at once: session `number` belongs to user `number % users`."""
    first = number * SESSION_MESSAGES
    messages = [
        {"id": f"m{n}", "role": ("user", "assistant")[n % 2], "content": sentence(n * 7919 % distinct)}
        for n in range(first, first + SESSION_MESSAGES)
    ]
    body = {"messages": messages, "namespace": NAMESPACE, "user_id": f"u{number % users}"}
    return request("POST", f"/v1/working-memory/s{number}/messages", body)


def _search(number: int, user: int, **members: Any) -> bytes:
    scope = {"namespace": {"eq": NAMESPACE}, "user_id": {"eq": f"u{user}"}}
    return request("POST", SEARCH, {"text": f"{question(number)} #{number}", "limit": 10, **scope, **members})


async def _load(connection: Connection, options: argparse.Namespace) -> float:
    started = time.perf_counter()
    for number in range(options.memories // SESSION_MESSAGES):
        status, answer = await connection.send(_append(number, options.users, options.distinct))
        if status != 200:
            raise RuntimeError(f"appending was answered {status}: {answer[:200]!r}")
    while True:
        body = {"text": "anything", "namespace": {"eq": NAMESPACE}, "limit": 1}
        _, answer = await connection.send(request("POST", SEARCH, body))
        if not json.loads(answer).get("degraded"):
            return time.perf_counter() - started
        await asyncio.sleep(0.2)


async def _timed(connection: Connection, raw: bytes) -> float:
    started = time.perf_counter()
    status, answer = await connection.send(raw)
    took = (time.perf_counter() - started) * 1000
    if status != 200 or not json.loads(answer)["memories"]:
        raise RuntimeError(f"a search was answered {status}: {answer[:200]!r}")
    return took


async def _searches(running: Running, connection: Connection, options: argparse.Namespace) -> dict[str, Any]:
    """First the first search of each of some users, then many of the same users, by mode."""
    users = range(min(options.users, options.asking))
    found: dict[str, Any] = {}
    number = 0
    first = [await _timed(connection, _search(10_000_000 + user, user, search_mode="hybrid")) for user in users]
    found["hybrid, first of a user"] = {"p50_ms": round(statistics.median(first), 2)}
    for mode in ("hybrid", "semantic", "keyword"):
        cpu, times = running.cpu_s(), []
        for _ in range(options.count):
            times.append(await _timed(connection, _search(number, number % len(users), search_mode=mode)))
            number += 1
        cuts = statistics.quantiles(times, n=20, method="inclusive")
        spent = (running.cpu_s() - cpu) / options.count * 1000
        found[mode] = {
            "p50_ms": round(statistics.median(times), 2),
            "p95_ms": round(cuts[18], 2),
            "server_cpu_ms": round(spent, 2),
        }
    return found


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    with server("all-MiniLM-L6-v2", ENABLE_DISCRETE_MEMORY_EXTRACTION="false") as running:
        connection = await Connection.open(running.port)
        loaded = await _load(connection, options)
        searches = await _searches(running, connection, options)
        connection.close()
        return {
            "memories": options.memories,
            "users": options.users,
            "distinct_sentences": options.distinct,
            "loaded_s": round(loaded, 1),
            "searches": searches,
            "memory_mb": running.memory_mb(),
        }


def main() -> None:
    """Print medians, and the server's processor time for a search."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--asking", type=int, default=20, help="users whose memories are searched")
    parser.add_argument("--distinct", type=int, default=4000, help="different sentences")
    parser.add_argument("--count", type=int, default=300, help="searches of each mode")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = asyncio.run(_measure(options))
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
