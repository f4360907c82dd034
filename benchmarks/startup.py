"""Time from start to healthy, and memory of the idle server with the local embedding model loaded."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.load import Connection, request
from benchmarks.server import server


async def _one_search(port: int) -> None:
    connection = await Connection.open(port)
    await connection.send(request("POST", "/v1/long-term-memory/search", {"text": "warm"}))
    connection.close()


def main() -> None:
    """Start several times on one folder (the first start, which makes the file, is shown apart)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    starts, memory = [], []
    with tempfile.TemporaryDirectory(prefix="agent-memory-bench-") as folder:
        for _ in range(options.runs + 1):
            with server(options.model, folder=Path(folder)) as running:
                starts.append(running.start_s)
                asyncio.run(_one_search(running.port))
                time.sleep(2)  # let it become idle
                memory.append(running.memory_mb())
    warm = starts[1:]
    result = {
        "first_start_s": round(starts[0], 3),
        "start_s": {"median": round(statistics.median(warm), 3), "max": round(max(warm), 3), "runs": len(warm)},
        "idle_rss_mb": round(statistics.median(m["rss"] for m in memory), 1),
        "idle_private_mb": round(statistics.median(m["private"] for m in memory), 1),
        "model": options.model,
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
