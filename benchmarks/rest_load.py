"""Ingest, search and sessions over REST, with an embedder of no cost, and recall against an exact scan."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent_memory_server.adapters.providers.deterministic import DeterministicEmbedder
from benchmarks.load import HEADER, Connection, Timing, line, request, run
from benchmarks.redis_server import redis_server
from benchmarks.sentences import question, sentence
from benchmarks.server import Running, server

USERS = 100
BATCH = 100
SEARCH = "/v1/long-term-memory/search"


def records(first: int, count: int) -> dict[str, Any]:
    """The body that creates these memories."""
    memories = [
        {"id": f"m{n}", "text": sentence(n), "user_id": f"u{n % USERS}", "namespace": "bench", "topics": [f"t{n % 7}"]}
        for n in range(first, first + count)
    ]
    return {"memories": memories, "deduplicate": False}


async def _ingest(port: int, count: int) -> dict[str, float]:
    connection = await Connection.open(port)
    batches = [request("POST", "/v1/long-term-memory/", records(n, BATCH)) for n in range(0, count, BATCH)]
    started = time.perf_counter()
    for raw in batches:
        status, body = await connection.send(raw)
        if status != 200:
            raise SystemExit(f"create answered {status}: {body[:300]!r}")
    accepted = time.perf_counter() - started
    last = count - 1
    wanted = {"text": sentence(last), "limit": 1, "recency_boost": False}
    while True:
        _, answer = await connection.send(request("POST", SEARCH, wanted))
        found = json.loads(answer)
        if found["memories"] and "degraded" not in found:
            break
    readable = time.perf_counter() - started
    connection.close()
    return {
        "memories": count,
        "accepted_s": round(accepted, 2),
        "readable_s": round(readable, 2),
        "per_second": round(count / readable, 1),
    }


def _search(**members: Any) -> Callable[[int], bytes]:
    return lambda number: request("POST", SEARCH, {"text": question(number), "limit": 10, **members})


def _user(number: int) -> bytes:
    body = {"text": question(number), "limit": 10, "user_id": {"eq": f"u{number % USERS}"}}
    return request("POST", SEARCH, body)


def _messages(count: int) -> list[dict[str, str]]:
    return [{"id": f"x{n}", "role": "user", "content": sentence(n)} for n in range(count)]


def _put(count: int) -> Callable[[int], bytes]:
    return lambda n: request(
        "PUT", f"/v1/working-memory/bench-{count}-{n % 50}", {"messages": _messages(count), "user_id": "w"}
    )


def _get(count: int) -> Callable[[int], bytes]:
    return lambda n: request("GET", f"/v1/working-memory/bench-{count}-{n % (50 if count < 100 else 1)}?user_id=w")


def _prompt(number: int) -> bytes:
    body = {"query": question(number), "long_term_search": {"user_id": {"eq": f"u{number % USERS}"}, "limit": 10}}
    return request("POST", "/v1/memory/prompt", body)


def _create(number: int) -> bytes:
    return request("POST", "/v1/long-term-memory/", records(10_000_000 + number, 1))


SCENARIOS: tuple[tuple[str, Callable[[int], bytes], int], ...] = (
    ("search_semantic", _search(), 300),
    ("search_user", _user, 300),
    ("search_keyword", _search(search_mode="keyword"), 300),
    ("search_hybrid", _search(search_mode="hybrid"), 300),
    ("prompt", _prompt, 300),
    ("create_1", _create, 300),
    ("wm_put_20", _put(20), 200),
    ("wm_get_20", _get(20), 300),
    ("wm_put_1000", _put(1000), 10),
    ("wm_get_1000", _get(1000), 50),
    ("sessions", lambda _: request("GET", "/v1/working-memory/?user_id=w&limit=20"), 300),
)


async def _recall(port: int, count: int, queries: int) -> dict[str, float]:
    embedder = DeterministicEmbedder()
    vectors: NDArray[np.float32] = np.concatenate(
        [await embedder.embed([sentence(n) for n in range(s, min(s + 1000, count))]) for s in range(0, count, 1000)]
    )
    asked = await embedder.embed([question(n) for n in range(queries)])
    connection = await Connection.open(port)
    recalls = []
    for number in range(queries):
        distances = 1.0 - vectors @ asked[number]
        tenth = np.partition(distances, 9)[9] + 1e-5  # equal sentences tie: any of them is right
        body = {"text": question(number), "limit": 10, "recency_boost": False, "namespace": {"eq": "bench"}}
        _, answer = await connection.send(request("POST", SEARCH, body))
        found = [memory for memory in json.loads(answer)["memories"] if int(memory["id"][1:]) < count]
        recalls.append(sum(distances[int(memory["id"][1:])] <= tenth for memory in found) / 10)
    connection.close()
    return {"queries": queries, "recall_at_10": float(np.mean(recalls)), "worst": float(np.min(recalls))}


async def _scenarios(running: Running, options: argparse.Namespace) -> list[Timing]:
    timings = []
    rounds: int = options.rounds
    for name, make, usual in SCENARIOS:
        if options.only and name not in options.only:
            continue
        requests: int = options.requests or usual
        for count in options.clients:
            await run(running.port, name, make, clients=count, requests=max(requests // 5, 4), cpu=running.cpu_s)
            tries = [
                await run(running.port, name, make, clients=count, requests=requests, cpu=running.cpu_s)
                for _ in range(rounds)
            ]
            timings.append(sorted(tries, key=lambda timing: timing.p50_ms)[rounds // 2])
            print(line(timings[-1]), flush=True)
    return timings


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(redis_server()) if options.redis else None
        settings = {"REDIS_URL": redis.url} if redis else {}
        running = stack.enter_context(server(folder=None, workers=options.workers, **settings))
        before = redis.used_bytes() if redis else 0
        ingested = await _ingest(running.port, options.memories)
        ingested["server_cpu_s"] = round(running.cpu_s(), 2)
        if redis:
            ingested["redis_bytes_per_memory"] = round((redis.used_bytes() - before) / options.memories, 1)
            ingested["redis_cpu_s"] = round(redis.cpu_s(), 2)
        print(f"ingest: {json.dumps(ingested)}")
        recall = await _recall(running.port, options.memories, options.queries)
        print(f"recall: {json.dumps(recall)}\n\n{HEADER}")
        timings = await _scenarios(running, options)
        memory = running.memory_mb()
    print(f"\nmemory of the server afterwards: {json.dumps(memory)}")
    return {"ingest": ingested, "recall": recall, "timings": [t.data() for t in timings], "memory_mb": memory}


def main() -> None:
    """Run everything; the median of the rounds is shown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--workers", type=int, default=1, help="processes of the server")
    parser.add_argument("--redis", action="store_true", help="on a Redis started by scripts/redis-stack.sh")
    parser.add_argument("--only", nargs="+", help="scenarios to run (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--requests", type=int, help="of a round; 300 take a fraction of a second (default: by scenario)"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = asyncio.run(_measure(options))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
