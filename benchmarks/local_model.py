"""With the local embedding model: creating one memory until a search by meaning returns it, and searching."""

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
from benchmarks.server import server

SEARCH = "/v1/long-term-memory/search"


def _create(first: int, count: int) -> bytes:
    memories = [{"id": f"m{n}", "text": sentence(n), "user_id": f"u{n % 10}"} for n in range(first, first + count)]
    return request("POST", "/v1/long-term-memory/", {"memories": memories, "deduplicate": False})


async def _create_to_searchable(connection: Connection, number: int) -> float:
    """Milliseconds from sending the create to the answer of the search that holds the memory."""
    create = _create(number, 1)
    body = {"text": sentence(number), "limit": 3, "recency_boost": False, "user_id": {"eq": f"u{number % 10}"}}
    search = request("POST", SEARCH, body)
    started = time.perf_counter()
    await connection.send(create)
    while True:
        _, answer = await connection.send(search)
        if any(memory["id"] == f"m{number}" for memory in json.loads(answer)["memories"]):
            return (time.perf_counter() - started) * 1000


async def _search(connection: Connection, number: int, **members: Any) -> float:
    raw = request("POST", SEARCH, {"text": f"{question(number)} #{number}", "limit": 10, **members})
    started = time.perf_counter()
    await connection.send(raw)
    return (time.perf_counter() - started) * 1000


async def _measure(memories: int, count: int) -> dict[str, Any]:
    with server("all-MiniLM-L6-v2") as running:
        connection = await Connection.open(running.port)
        started = time.perf_counter()
        for first in range(0, memories, 100):
            await connection.send(_create(first, 100))
        ingest = time.perf_counter() - started
        created = [await _create_to_searchable(connection, 1_000_000 + n) for n in range(count)]
        searched = [await _search(connection, n) for n in range(count)]
        hybrid = [await _search(connection, count + n, search_mode="hybrid") for n in range(count)]
        connection.close()
        memory = running.memory_mb()
    return {
        "memories": memories,
        "ingest_per_second": round(memories / ingest, 1),
        "create_to_searchable_p50_ms": round(statistics.median(created), 2),
        "search_p50_ms": round(statistics.median(searched), 2),
        "search_hybrid_p50_ms": round(statistics.median(hybrid), 2),
        "memory_mb": memory,
    }


def main() -> None:
    """Print the medians; each query text is new, so the model runs for every search."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=5000)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = asyncio.run(_measure(options.memories, options.count))
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
