"""A server of its own for a benchmark: started on a free port in a temporary folder, and stopped."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

START_LIMIT_S = 60.0
NO_COST_MODEL = "deterministic"
"""An embedder that hashes words: it costs microseconds, so that what is measured is the server."""


@dataclass(frozen=True, slots=True)
class Running:
    """A healthy server. start_s: from the start of the process to the first 200 of /v1/health."""

    port: int
    pid: int
    start_s: float
    folder: Path

    def memory_mb(self) -> dict[str, float]:
        """Resident memory: in all (`rss`), and the part that is not file pages (`private`). Linux only."""
        fields = {}
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in {"VmRSS", "RssAnon"}:
                fields[name] = int(value.split()[0]) / 1024
        return {"rss": fields["VmRSS"], "private": fields["RssAnon"]}

    def cpu_s(self) -> float:
        """Processor seconds used by the process so far. Linux only."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


@contextlib.contextmanager
def server(model: str = NO_COST_MODEL, *, folder: Path | None = None, **environment: str) -> Iterator[Running]:
    """A running server; `environment` are further settings."""
    with contextlib.ExitStack() as stack:
        where = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agent-memory-bench-")))
        port = _free_port()
        command = [str(Path(sys.executable).with_name("agent-memory")), "api", "--port", str(port)]
        variables = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
        variables |= {"MEMORY_DATA_DIR": str(where), "EMBEDDING_MODEL": model, "LOG_LEVEL": "WARNING", **environment}
        started = time.perf_counter()
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
        try:
            while not _healthy(port):
                if process.poll() is not None or time.perf_counter() - started > START_LIMIT_S:
                    raise SystemExit(f"the server did not start (status {process.poll()})")
                time.sleep(0.005)
            yield Running(port, process.pid, time.perf_counter() - started, where)
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
