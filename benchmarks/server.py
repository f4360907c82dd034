"""A server of its own for a benchmark, with what its process uses."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent_memory_server.evaluation.own_server import own_server

NO_COST_MODEL = "deterministic"
"""An embedder that hashes words: it costs microseconds, so that what is measured is the server."""


@dataclass(frozen=True, slots=True)
class Running:
    """A healthy server. start_s: from the start of the process to the first 200 of /v1/health."""

    port: int
    pid: int
    start_s: float

    def memory_mb(self) -> dict[str, float]:
        """Resident memory: in all (`rss`), and the part that is not file pages (`private`). Linux only."""
        fields = {}
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in {"VmRSS", "RssAnon"}:
                fields[name] = int(value.split()[0]) / 1024
        return {"rss": round(fields["VmRSS"], 1), "private": round(fields["RssAnon"], 1)}

    def cpu_s(self) -> float:
        """Processor seconds used by the process so far. Linux only."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def server(
    model: str = NO_COST_MODEL, *, folder: Path | None = None, workers: int = 1, **environment: str
) -> Iterator[Running]:
    """A running server; `environment` are further settings. With several workers the figures of the process are those
    of the one that watches them."""
    with own_server({"EMBEDDING_MODEL": model, **environment}, folder=folder, workers=workers) as running:
        yield Running(running.port, running.process.pid, running.start_s)
