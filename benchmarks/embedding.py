"""The embedding model alone: time per text, concurrent callers, a question beside a long import, and memory."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from agent_memory_server.adapters.providers.open_embedder import open_embedder
from agent_memory_server.adapters.providers.settings import EmbeddingSettings
from agent_memory_server.ports.embedder import Embedder
from benchmarks.sentences import question, sentence

Rows = dict[str, dict[str, float]]
CALLERS = (1, 4, 16)
BATCHES = (8, 32, 256)


def _memory_mb() -> float:
    """Resident memory of this process. Linux only."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no VmRSS: this benchmark reads /proc")


async def _timed(embedder: Embedder, calls: Iterable[Sequence[str]]) -> list[float]:
    """Milliseconds of each call, one after the other."""
    times = []
    for texts in calls:
        started = time.perf_counter()
        await embedder.embed(texts)
        times.append((time.perf_counter() - started) * 1000)
    return times


def _summary(times: list[float], texts: int = 1) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "p50_ms": round(statistics.median(ordered), 3),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)], 3),
        "ms_per_text": round(statistics.fmean(ordered) / texts, 3),
    }


def _paragraph(number: int, sentences: int) -> str:
    return " ".join(map(sentence, range(number, number + sentences)))


async def _one_caller(embedder: Embedder, rounds: int) -> Rows:
    rows: Rows = {}
    singles = {
        "one question": [[question(n)] for n in range(rounds)],
        "one sentence": [[sentence(n)] for n in range(rounds)],
        "one text of a full window": [[_paragraph(n, 20)] for n in range(rounds)],
    }
    for name, calls in singles.items():
        rows[name] = _summary(await _timed(embedder, calls))
    for size in BATCHES:
        count = max(3, rounds // size)
        times = await _timed(embedder, ([sentence(n * size + i) for i in range(size)] for n in range(count)))
        rows[f"{size} sentences in one call"] = _summary(times, size)
    return rows


async def _many_callers(embedder: Embedder, rounds: int) -> Rows:
    rows: Rows = {}
    for callers in CALLERS:
        each = max(3, rounds // callers)
        calls = [[[question(n * callers + caller)] for n in range(each)] for caller in range(callers)]
        started = time.perf_counter()
        times = await asyncio.gather(*(_timed(embedder, own) for own in calls))
        rate = callers * each / (time.perf_counter() - started)
        rows[f"questions of {callers} at once"] = _summary(list(chain(*times))) | {"texts_per_s": round(rate, 1)}
    return rows


async def _beside_an_import(embedder: Embedder, rounds: int) -> Rows:
    importing = asyncio.ensure_future(embedder.embed([_paragraph(n, 5) for n in range(rounds * 10)]))
    await asyncio.sleep(0)
    times = await _timed(embedder, ([question(n)] for n in range(rounds)))
    importing.cancel()
    await asyncio.wait([importing])
    return {"one question beside an import": _summary(times)}


async def _measure(model: str, threads: int, rounds: int) -> tuple[dict[str, Any], Rows]:
    before = _memory_mb()
    started = time.perf_counter()
    embedder = await open_embedder(EmbeddingSettings(model=model, threads=threads, cache_mb=0, timeout_s=3600))
    opened = time.perf_counter()
    await embedder.embed(["ready"])
    ready = time.perf_counter()
    loaded = _memory_mb()
    rows = await _one_caller(embedder, rounds)
    rows |= await _many_callers(embedder, rounds)
    rows |= await _beside_an_import(embedder, rounds)
    await embedder.close()
    facts = {
        "model": embedder.model,
        "threads": threads,
        "open_ms": round((opened - started) * 1000, 1),
        "first_vector_ms": round((ready - started) * 1000, 1),
        "memory_mb": {"imports": round(before, 1), "loaded": round(loaded, 1), "afterwards": round(_memory_mb(), 1)},
    }
    return facts, rows


def main() -> None:
    """Print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=EmbeddingSettings().model)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    facts, rows = asyncio.run(_measure(options.model, options.threads, options.rounds))
    print(json.dumps(facts))
    print(f"{'':32} {'p50 ms':>9} {'p95 ms':>9} {'ms/text':>9} {'texts/s':>9}")
    for name, row in rows.items():
        rate = f"{row['texts_per_s']:9.1f}" if "texts_per_s" in row else ""
        print(f"{name:32} {row['p50_ms']:9.3f} {row['p95_ms']:9.3f} {row['ms_per_text']:9.3f} {rate}")
    if options.json:
        options.json.write_text(json.dumps(facts | {"times": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
