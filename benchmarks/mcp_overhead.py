"""What a search costs through MCP, beside the same search through REST: one server, one run, the kinds taking turns."""

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

REST = "REST"
HANDSHAKE = "MCP 2025-11-25, events"
PLAIN = "MCP 2025-11-25, JSON"
STATELESS = "MCP 2026-07-28, JSON"
ALLOWED_MS = 3.0
"""What MCP may cost more than REST, at the median."""

_KEY = "io.modelcontextprotocol/"
_ENVELOPE = {f"{_KEY}protocolVersion": "2026-07-28", f"{_KEY}clientCapabilities": {}}
_TOOL = "search_long_term_memory"


def _with_headers(raw: bytes, **headers: str) -> bytes:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = "".join(f"\r\n{name.replace('_', '-')}: {value}" for name, value in headers.items())
    return head + lines.encode() + b"\r\n\r\n" + body


def _call(number: int, **params: Any) -> bytes:
    arguments = {"text": question(number), "limit": 10}
    message = {
        "jsonrpc": "2.0",
        "id": number,
        "method": "tools/call",
        "params": {"name": _TOOL, "arguments": arguments, **params},
    }
    return request("POST", "/mcp", message)


def _requests(number: int) -> dict[str, bytes]:
    events = "application/json, text/event-stream"
    old = {"MCP_Protocol_Version": "2025-11-25"}
    new = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": _TOOL}
    return {
        REST: request("POST", "/v1/long-term-memory/search", {"text": question(number), "limit": 10}),
        HANDSHAKE: _with_headers(_call(number), Accept=events, **old),
        PLAIN: _with_headers(_call(number), Accept="application/json", **old),
        STATELESS: _with_headers(_call(number, _meta=_ENVELOPE), Accept=events, **new),
    }


def _found(kind: str, body: bytes) -> int:
    if kind == HANDSHAKE:
        body = next(line for line in body.splitlines() if line.startswith(b"data: {"))[6:]
    answer = json.loads(body)
    return len(answer["memories"] if kind == REST else answer["result"]["structuredContent"]["memories"])


async def measure(port: int, *, memories: int, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each kind. Every answer is looked at: it must hold ten memories."""
    connection = await Connection.open(port)
    records = [{"id": f"m{n}", "text": sentence(n)} for n in range(memories)]
    body = {"memories": records, "deduplicate": False}
    status, answer = await connection.send(request("POST", "/v1/long-term-memory/", body))
    if status != 200:
        raise SystemExit(f"create answered {status}: {answer[:300]!r}")
    times: dict[str, list[float]] = {}
    for number in range(-20, rounds):  # the first twenty warm up
        for kind, raw in _requests(abs(number)).items():
            started = time.perf_counter()
            status, answer = await connection.send(raw)
            took = (time.perf_counter() - started) * 1000
            if status != 200 or _found(kind, answer) != 10:
                raise SystemExit(f"{kind} answered {status}: {answer[:300]!r}")
            if number >= 0:
                times.setdefault(kind, []).append(took)
    connection.close()
    return {kind: _figures(taken) for kind, taken in times.items()}


def _figures(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50_ms": round(cuts[49], 3), "p95_ms": round(cuts[94], 3)}


def main() -> None:
    """Print the table; exit with 1 when MCP costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    with server() as running:
        figures = asyncio.run(measure(running.port, memories=options.memories, rounds=options.rounds))
    base = figures[REST]["p50_ms"]
    print(f"{'search, 10 results':<26} {'p50 ms':>8} {'p95 ms':>8} {'over REST':>10}")
    for kind, timing in figures.items():
        timing["over_rest_ms"] = round(timing["p50_ms"] - base, 3)
        print(f"{kind:<26} {timing['p50_ms']:>8.2f} {timing['p95_ms']:>8.2f} {timing['over_rest_ms']:>10.2f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    if max(timing["over_rest_ms"] for timing in figures.values()) > ALLOWED_MS:
        raise SystemExit(f"MCP costs more than {ALLOWED_MS} ms over REST")


if __name__ == "__main__":
    main()
