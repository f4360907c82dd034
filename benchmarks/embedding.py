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


async def _row(embedder: Embedder, *callers: Sequence[Sequence[str]]) -> dict[str, float]:
    """Callers at the same time, each with its calls. Processor time is that of the whole process, for each text: it
    says what a text costs on a machine that is busy with other things too."""
    wall, cpu = time.perf_counter(), time.process_time()
    times = sorted(chain(*await asyncio.gather(*(_timed(embedder, calls) for calls in callers))))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    texts = sum(len(call) for calls in callers for call in calls)
    return {
        "p50_ms": round(statistics.median(times), 3),
        "p95_ms": round(times[int(len(times) * 0.95)], 3),
        "cpu_ms_per_text": round(cpu / texts * 1000, 3),
        "texts_per_s": round(texts / wall, 1),
    }


def _paragraph(number: int, sentences: int) -> str:
    return " ".join(map(sentence, range(number, number + sentences)))


async def _one_caller(embedder: Embedder, rounds: int) -> Rows:
    rows = {
        "one question": await _row(embedder, [[question(n)] for n in range(rounds)]),
        "one sentence": await _row(embedder, [[sentence(n)] for n in range(rounds)]),
        "one text of a full window": await _row(embedder, [[_paragraph(n, 20)] for n in range(rounds)]),
    }
    for size in BATCHES:
        calls = [[sentence(n * size + i) for i in range(size)] for n in range(max(3, rounds // size))]
        rows[f"{size} sentences in one call"] = await _row(embedder, calls)
    return rows


async def _many_callers(embedder: Embedder, rounds: int) -> Rows:
    rows = {}
    for callers in CALLERS:
        each = max(3, rounds // callers)
        calls = [[[question(n * callers + caller)] for n in range(each)] for caller in range(callers)]
        rows[f"questions of {callers} callers"] = await _row(embedder, *calls)
    return rows


async def _beside_an_import(embedder: Embedder, rounds: int) -> Rows:
    importing = asyncio.ensure_future(embedder.embed([_paragraph(n, 5) for n in range(rounds * 10)]))
    await asyncio.sleep(0)
    row = await _row(embedder, [[question(n)] for n in range(rounds)])
    importing.cancel()
    await asyncio.wait([importing])
    del row["cpu_ms_per_text"]  # most of it is the import's
    return {"one question beside an import": row}


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
    print(f"{'':30} {'p50 ms':>9} {'p95 ms':>9} {'cpu ms/text':>12} {'texts/s':>9}")
    for name, row in rows.items():
        cpu = f"{row['cpu_ms_per_text']:12.3f}" if "cpu_ms_per_text" in row else " " * 12
        print(f"{name:30} {row['p50_ms']:9.3f} {row['p95_ms']:9.3f} {cpu} {row['texts_per_s']:9.1f}")
    if options.json:
        options.json.write_text(json.dumps(facts | {"times": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
