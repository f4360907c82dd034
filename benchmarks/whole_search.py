"""Searching one user's conversations in a full store over REST, with everything on: the local embedding model, both
rankings, turns that lend to each other, speakers, times and recency.

The store holds turns of many users, 20 to a session, whose sentences come back now and then: the server embeds each
text once, so filling the store takes minutes and not an hour. One user has a tenth of all turns. Every question is
new, so that the model runs for each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.load import HEADER, Connection, Timing, line, request, run
from benchmarks.sentences import question, sentence
from benchmarks.server import Running, server

LOCAL_MODEL = "all-MiniLM-L6-v2"
SEARCH = "/v1/long-term-memory/search"
SENTENCES = 5_000
BATCH = 100
TURNS = 20
SHARE_OF_LARGE = 10
"""One turn in so many is of the user "large"; the others are of users with 1,000 turns each."""
OF_A_USER = 1_000
START = 1_700_000_000
"""The time of the first turn, Unix seconds."""
TIMES = ("", "", "", " last week", " in May 2026")


def _turns(count: int) -> Iterator[dict[str, Any]]:
    seen: dict[str, int] = {}
    for number in range(count):
        user = "large" if number % SHARE_OF_LARGE == 0 else f"u{number // (OF_A_USER * 10 // 9)}"
        place = seen[user] = seen.get(user, -1) + 1
        speaker = "assistant" if place % 2 else "user"
        yield {
            "id": f"m{number}",
            "text": f"{speaker}: {sentence(number * 7919 % SENTENCES)}",
            "user_id": user,
            "session_id": f"{user}-{place // TURNS}",
            "memory_type": "message",
            "created_at": START + number * 60,
        }


async def _fill(port: int, count: int) -> None:
    connection = await Connection.open(port)
    turns = list(_turns(count))
    for first in range(0, count, BATCH):
        body = {"memories": turns[first : first + BATCH], "deduplicate": False}
        status, answer = await connection.send(request("POST", "/v1/long-term-memory/", body))
        if status != 200:
            raise SystemExit(f"create answered {status}: {answer[:300]!r}")
    while True:
        body = {"text": turns[-1]["text"], "user_id": {"eq": turns[-1]["user_id"]}, "limit": 1}
        _, answer = await connection.send(request("POST", SEARCH, body))
        if "degraded" not in json.loads(answer):
            break
    connection.close()


def _search(users: list[str], **members: Any) -> Callable[[int], bytes]:
    """Searches of users in turn, each with a question of its own."""

    def make(number: int) -> bytes:
        text = f"{question(number)[:-1]}{TIMES[number % len(TIMES)]}, note {number}?"
        body = {"text": text, "limit": 10, "user_id": {"eq": users[number % len(users)]}, **members}
        return request("POST", SEARCH, body)

    return make


def _scenarios(users: list[str]) -> list[tuple[str, Callable[[int], bytes]]]:
    return [
        ("hybrid, users of 1,000", _search(users, search_mode="hybrid")),
        ("hybrid, user of a tenth", _search(["large"], search_mode="hybrid")),
        ("semantic, users of 1,000", _search(users)),
        ("semantic, user of a tenth", _search(["large"])),
        ("keyword, users of 1,000", _search(users, search_mode="keyword")),
        ("keyword, user of a tenth", _search(["large"], search_mode="keyword")),
    ]


async def _timings(running: Running, options: argparse.Namespace) -> list[Timing]:
    users = [f"u{number}" for number in range(max(1, min(20, options.memories // OF_A_USER * 9 // 10)))]
    timings, asked = [], 0
    for name, make in _scenarios(users):
        for clients in options.clients:
            tries = []
            for requests in (len(users) * 3, *[options.requests] * options.rounds):  # the first one loads what is kept
                first = asked
                asked += requests
                numbered = _from(make, first)
                tries.append(
                    await run(running.port, name, numbered, clients=clients, requests=requests, cpu=running.cpu_s)
                )
            timings.append(sorted(tries[1:], key=lambda timing: timing.p50_ms)[options.rounds // 2])
            print(line(timings[-1]), flush=True)
    return timings


def _from(make: Callable[[int], bytes], first: int) -> Callable[[int], bytes]:
    return lambda number: make(first + number)


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    with server(options.model) as running:
        await _fill(running.port, options.memories)
        print(HEADER)
        timings = await _timings(running, options)
        memory = running.memory_mb()
    print(f"\nmemory of the server afterwards: {json.dumps(memory)}")
    return {"memories": options.memories, "timings": [timing.data() for timing in timings], "memory_mb": memory}


def main() -> None:
    """Fill a store and search it; the median of the rounds is shown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=100_000)
    parser.add_argument("--model", default=LOCAL_MODEL)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = asyncio.run(_measure(options))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
